"""What a segment is: quantile profile, share of customers and revenue, a name by rule, a colour."""

import colorsys
from collections.abc import Collection, Mapping, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt
import pandas as pd

from segmentation.features import Feature
from segmentation.scoring import Floats
from segmentation.segment import Apart, Quantiles, RuleSegment, Segment
from training.fitting import Fitted
from training.identity import Identity
from training.populations import Populations

PHRASES = 2
SAME = 0.7
"""Two features correlated more than this say the same thing; a name holds only one of them."""

OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")
"""Colours told apart by colour-blind readers (Okabe and Ito 2008, "Color universal design")."""


REVENUE = ("monetary", "total_spent")
"""Features that say what customers are worth."""


def describe(
    customers: pd.DataFrame,
    features: Sequence[Feature],
    populations: Populations,
    fitted: Fitted,
    identities: Sequence[Identity] | None = None,
    reserved: Collection[str] = (),
) -> tuple[Segment, ...]:
    """Describe each segment of a model by its training customers.

    Parameters
    ----------
    customers
        One row per customer, those whom rules take included; columns as `features`.
    features
        What the columns are.
    populations
        Whom rules take; shares are of all customers.
    fitted
        The model of the others.
    identities
        Of the segments; names and colours that they lack are made here. None: ids count from 0.
    reserved
        Colours that no new segment gets.

    Returns
    -------
    tuple of Segment
        In the order of the centroids.
    """
    identities = identities or [Identity(position) for position in range(len(fitted.arrays.centroids))]
    labels, k = fitted.labels, len(fitted.arrays.centroids)
    clustered = customers[populations.clustered] if populations.rules else customers
    seen = fitted.arrays.prepare(clustered.to_numpy())
    names, effects = name_segments(seen, labels, features, k), _effects(seen, labels, k)
    names, colours = _kept(names, identities, populations), _colours(identities, reserved)
    segments = []
    for position in range(k):
        inside = labels == position
        group = clustered[inside]
        segments.append(
            Segment(
                id=identities[position].id,
                name=names[position],
                colour=colours[position],
                customers=len(group),
                share=len(group) / len(customers),
                revenue_share=_revenue_share(customers, group),
                outlier_distance=_outer_fence(fitted.scores.distance[inside]),
                silhouette=float(fitted.silhouettes[position]),
                stability=fitted.refits.stability[position],
                apart=_apart(effects[position], features),
                profile={feature.name: _quantiles(group[feature.name].to_numpy()) for feature in features},
            )
        )
    return tuple(segments)


def population(customers: pd.DataFrame, features: Sequence[Feature]) -> dict[str, Quantiles]:
    """The quantile profile of everybody, which segments are compared with.

    Parameters
    ----------
    customers, features
        As for `describe`.

    Returns
    -------
    dict of str to Quantiles
        By feature.
    """
    return {feature.name: _quantiles(customers[feature.name].to_numpy()) for feature in features}


def describe_rules(
    customers: pd.DataFrame,
    features: Sequence[Feature],
    populations: Populations,
    taken: Collection[str],
    colours: Mapping[int, str] | None = None,
) -> tuple[RuleSegment, ...]:
    """Describe each rule segment by its training customers.

    Parameters
    ----------
    customers, features, populations
        As for `describe`.
    taken
        Colours of the other segments.
    colours
        By id, of rule segments that the previous model had already; None where there is none.

    Returns
    -------
    tuple of RuleSegment
        In the order of the rules.
    """
    segments = []
    inherited = [(colours or {}).get(rule.id) for rule in populations.rules]
    shown = _colours(
        [Identity(rule.id, None, colour) for rule, colour in zip(populations.rules, inherited, strict=True)], taken
    )
    for position, rule in enumerate(populations.rules):
        group = customers[populations.taken == position]
        segments.append(
            RuleSegment(
                id=rule.id,
                name=rule.name,
                colour=shown[position],
                customers=len(group),
                share=len(group) / len(customers),
                revenue_share=_revenue_share(customers, group),
                when=rule.when,
                why=rule.why,
                profile={f.name: _quantiles(group[f.name].to_numpy()) for f in features} if len(group) else {},
            )
        )
    return tuple(segments)


def _revenue_share(customers: pd.DataFrame, group: pd.DataFrame) -> float | None:
    revenue = next((name for name in REVENUE if name in customers.columns), None)
    if revenue is None:
        return None
    total = float(customers[revenue].sum())
    return float(group[revenue].sum()) / total if total > 0 else None


def name_segments(rows: Floats, labels: npt.NDArray[np.int64], features: Sequence[Feature], k: int) -> list[str]:
    """Name each segment after what sets it apart.

    A feature sets a segment apart by the difference between the segment's mean and everybody's, in standard
    deviations. The two that do most, and are not two measures of one thing, give the name; where two segments would
    get the same name, more features are added to the later one until it differs.

    Parameters
    ----------
    rows
        Customers as the model sees them (winsorised, log1p), float64, shape (n, d).
    labels
        0 to k-1, shape (n,).
    features
        What the columns are; each knows what marketers call its low and its high end.
    k
        Number of segments.

    Returns
    -------
    list of str
        Names, all different, in the order of the labels.
    """
    spread = rows.std(axis=0)
    standardised = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)
    correlation = np.abs(standardised.T @ standardised) / len(rows)
    names: list[str] = []
    for position in range(k):
        effect = standardised[labels == position].mean(axis=0)
        phrases: list[str] = []
        chosen: list[int] = []
        for column in np.argsort(-np.abs(effect), kind="stable"):
            if any(correlation[column, other] > SAME for other in chosen):
                continue
            chosen.append(column)
            phrases.append(features[column].high if effect[column] > 0 else features[column].low)
            if len(phrases) >= PHRASES and _join(phrases) not in names:
                break
        name = _join(phrases)
        names.append(name if name not in names else f"{name} ({position})")
    return names


def _effects(rows: Floats, labels: npt.NDArray[np.int64], k: int) -> Floats:
    """Mean of each segment minus mean of everybody, in standard deviations of everybody, shape (k, d)."""
    spread = rows.std(axis=0)
    standardised = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return np.array([standardised[labels == position].mean(axis=0) for position in range(k)])


def _apart(effects: Floats, features: Sequence[Feature]) -> tuple[Apart, ...]:
    order = np.argsort(-np.abs(effects), kind="stable")
    return tuple(Apart(feature=features[column].name, effect=float(effects[column])) for column in order)


def _join(phrases: Sequence[str]) -> str:
    return ", ".join(phrases).capitalize()


def _quantiles(values: Floats) -> Quantiles:
    q05, q25, q50, q75, q95 = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    return Quantiles(q05=q05, q25=q25, q50=q50, q75=q75, q95=q95)


def _outer_fence(distances: Floats) -> float:
    first, third = np.quantile(distances, (0.25, 0.75))
    return float(third + 3 * (third - first))


def _kept(names: Sequence[str], identities: Sequence[Identity], populations: Populations) -> list[str]:
    """Survivors' names, and for new segments what the rules say, unless that is taken."""
    taken = {identity.name for identity in identities} | {rule.name for rule in populations.rules}
    kept: list[str] = []
    for name, identity in zip(names, identities, strict=True):
        free = name if name not in taken else f"{name} ({identity.id})"
        kept.append(identity.name or free)
        taken.add(kept[-1])
    return kept


def _colours(identities: Sequence[Identity], taken: Collection[str] = ()) -> list[str]:
    """Survivors' colours, and for new segments the first that nobody has."""
    used = {identity.colour for identity in identities} | set(taken)
    free = (colour for colour in map(_colour, count()) if colour not in used)
    return [identity.colour or next(free) for identity in identities]


def _colour(position: int) -> str:
    if position < len(OKABE_ITO):
        return OKABE_ITO[position]
    # Golden-ratio steps keep later hues apart from each other.
    red, green, blue = colorsys.hls_to_rgb((position * 0.618034) % 1, 0.45, 0.6)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
