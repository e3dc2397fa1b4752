"""All origins at the ages that each of them reaches."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.maintenance.results import Origin, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """Means over origins at one age; see `training.maintenance.results.Point`."""

    age_days: int
    ari: float
    ari_if_rescaled: float
    ari_if_recentred: float
    loss_preprocessing: float
    loss_geometry: float
    moved: float
    moved_revenue: float | None
    migrated: float
    migrated_revenue: float | None


def common_points(origins: Sequence[Origin]) -> list[tuple[int, list[Point]]]:
    """The points of all origins, by the ages that each of them reaches.

    What differs at ages that only some reach may be the origins, not the age.

    Parameters
    ----------
    origins
        At least one.

    Returns
    -------
    list of tuple
        Age in days, ascending, and a point of each origin. Every origin has a first step, so there is one or more.
    """
    curves = [{point.age_days: point for point in origin.points} for origin in origins]
    ages = sorted(set.intersection(*(set(curve) for curve in curves)))
    return [(age, [curve[age] for curve in curves]) for age in ages]


def averages(origins: Sequence[Origin]) -> list[Average]:
    """Means over origins.

    Parameters
    ----------
    origins
        At least one.

    Returns
    -------
    list of Average
        By age.
    """
    return [
        Average(
            age_days=age,
            ari=_mean([point.ari for point in points]),
            ari_if_rescaled=_mean([point.ari_if_rescaled for point in points]),
            ari_if_recentred=_mean([point.ari_if_recentred for point in points]),
            loss_preprocessing=_mean([point.loss_preprocessing for point in points]),
            loss_geometry=_mean([point.loss_geometry for point in points]),
            moved=_mean([point.moved for point in points]),
            moved_revenue=_mean_if_known([point.moved_revenue for point in points]),
            migrated=_mean([point.migrated for point in points]),
            migrated_revenue=_mean_if_known([point.migrated_revenue for point in points]),
        )
        for age, points in common_points(origins)
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mean_if_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean(known) if len(known) == len(values) else None
