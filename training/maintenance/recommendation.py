"""How often to retrain: the largest age at which nine in ten models still agree well enough with their successors."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy.stats import t

from training.maintenance.averages import common_points
from training.maintenance.comparison import told
from training.maintenance.results import BOUND, AtAge, NoiseFloor, Origin, Recommendation


def recommend(origins: Sequence[Origin], floor: NoiseFloor, threshold: float, every_days: int) -> Recommendation:
    """Read the answer off the curves.

    Parameters
    ----------
    origins
        At least one, each with a point or more.
    floor
        Of all of them.
    threshold
        Of the ARI, 0 to 1.
    every_days
        Between two points.

    Returns
    -------
    Recommendation
        See there.

    References
    ----------
    Hahn and Meeker (1991), "Statistical Intervals", for the prediction bound of one future observation.
    """
    by_age = _by_age(origins)
    if floor.ari_low < threshold:
        return Recommendation(
            answer="none",
            days=None,
            why=f"one in ten refits of the very same customers agrees less than {floor.ari_low:.3f}, under the "
            f"threshold {threshold:g}: age cannot be told from chance. The segments need mending, not a schedule",
            by_age=by_age,
        )
    fails = next((place for place, at in enumerate(by_age) if at.ari_low < threshold), None)
    if fails == 0:
        return Recommendation(
            answer="sooner",
            days=None,
            why=f"{_bound(origins)} is {by_age[0].ari_low:.3f} after {by_age[0].age_days} days already, under the "
            f"threshold {threshold:g}"
            + ("" if every_days == 1 else "; a shorter --every tells after how many days it gets there"),
            by_age=by_age,
        )
    last = by_age[-1] if fails is None else by_age[fails - 1]
    why = f"{_bound(origins)} is {last.ari_low:.3f} after {last.age_days} days"
    if fails is None:
        why += f", not under the threshold {threshold:g}; the history does not reach beyond"
    else:
        why += f", and {by_age[fails].ari_low:.3f} after {by_age[fails].age_days}; the threshold is {threshold:g}"
    return Recommendation(
        answer="at-least" if fails is None else "every",
        days=last.age_days,
        why=f"{why}{_alone(origins)}",
        by_age=by_age,
    )


def first_below(ages: Sequence[int], values: Sequence[float], threshold: float) -> int | None:
    """The first age at which a curve is under the threshold.

    Parameters
    ----------
    ages, values
        The curve, ascending in age.
    threshold
        Of the ARI.

    Returns
    -------
    int or None
        Days; None where it never is.
    """
    return next((age for age, value in zip(ages, values, strict=True) if value < threshold), None)


def _by_age(origins: Sequence[Origin]) -> tuple[AtAge, ...]:
    found = []
    for age, points in common_points(origins):
        values = np.array([point.ari for point in points])
        low = points[0].ari_low if len(points) == 1 else _lower(values)
        found.append(AtAge(age_days=age, ari=told(values.mean()), ari_low=told(max(-1.0, low))))
    return tuple(found)


def _lower(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    n = len(values)
    spread = float(values.std(ddof=1)) * sqrt(1 + 1 / n)
    return float(values.mean()) - float(t.ppf(BOUND, n - 1)) * spread


def _bound(origins: Sequence[Origin]) -> str:
    if len(origins) == 1:
        return "the lower 90 % bound of the ARI"
    return f"the lower 90 % bound of the ARI over {len(origins)} origins"


def _alone(origins: Sequence[Origin]) -> str:
    if len(origins) > 1:
        return ""
    return ". One origin does not tell how far other times of the year differ: the bound is of the choice of customers"
