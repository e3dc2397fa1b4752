"""What a segment is: quantile profile, share of customers and revenue, a name by rule, a colour."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from segmentation.errors import ConfigurationError
from segmentation.features import Feature
from segmentation.scoring import Floats
from segmentation.segment import Apart, Quantiles, RuleSegment, Segment
from training.colours import colour
from training.fitting import Fitted
from training.identity import Identity
from training.naming import VALUE, name_segments, plain
from training.populations import Populations
from training.standings import standings

REVENUE = VALUE
"""Features that say what customers are worth."""


def describe(
    customers: pd.DataFrame,
    features: Sequence[Feature],
    populations: Populations,
    fitted: Fitted,
    *,
    identities: Sequence[Identity] | None = None,
    names: Mapping[int, str] | None = None,
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
        Of the segments; those that survived a retraining keep name and colour. None: all are new, and ids count from 0.
    names
        By id, those that the configuration sets; the others are named by rule.

    Returns
    -------
    tuple of Segment
        In the order of the centroids.
    """
    settled = names or {}
    labels, k = fitted.labels, len(fitted.arrays.centroids)
    clustered = customers[populations.clustered] if populations.rules else customers
    seen = fitted.arrays.prepare(clustered.to_numpy())
    standing = standings(clustered.to_numpy(), seen, labels, k)
    identities = identities or [Identity(position) for position in range(k)]
    # A name that the configuration gives to another segment is not kept.
    given_away = {plain(name) for name in settled.values()}
    kept = {each.id: each.name for each in identities if each.name and plain(each.name) not in given_away}
    called = {position: settled.get(each.id, kept.get(each.id)) for position, each in enumerate(identities)}
    given = {position: name for position, name in called.items() if name is not None}
    taken = [settled.get(rule.id, rule.name) for rule in populations.rules]
    every_name = name_segments(standing, features, given, taken)
    segments = []
    for position in range(k):
        inside = labels == position
        group = clustered[inside]
        segments.append(
            Segment(
                id=identities[position].id,
                name=every_name[position],
                colour=identities[position].colour or colour(identities[position].id),
                customers=len(group),
                share=len(group) / len(customers),
                revenue_share=_revenue_share(customers, group),
                outlier_distance=_outer_fence(fitted.scores.distance[inside]),
                silhouette=float(fitted.silhouettes[position]),
                stability=fitted.refits.stability[position],
                apart=_apart(standing.effects[position], features),
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
    *,
    names: Mapping[int, str] | None = None,
) -> tuple[RuleSegment, ...]:
    """Describe each rule segment by its training customers.

    Parameters
    ----------
    customers, features, populations, names
        As for `describe`.

    Returns
    -------
    tuple of RuleSegment
        In the order of the rules.
    """
    settled, segments = names or {}, []
    for position, rule in enumerate(populations.rules):
        group = customers[populations.taken == position]
        segments.append(
            RuleSegment(
                id=rule.id,
                name=settled.get(rule.id, rule.name),
                colour=colour(rule.id),
                customers=len(group),
                share=len(group) / len(customers),
                revenue_share=_revenue_share(customers, group),
                when=rule.when,
                why=rule.why,
                profile={f.name: _quantiles(group[f.name].to_numpy()) for f in features} if len(group) else {},
            )
        )
    return tuple(segments)


def refuse_unfit_names(names: Mapping[int, str], segments: Sequence[Segment | RuleSegment]) -> None:
    """Check the names that the configuration sets against the segments that there are.

    Parameters
    ----------
    names
        By id.
    segments
        All of the model, described.

    Raises
    ------
    ConfigurationError
        An id is not the model's, or two segments bear one name.
    """
    ids = [segment.id for segment in segments]
    for id_ in names:
        if id_ not in ids:
            raise ConfigurationError(
                f"segment_names: the model has no segment {id_}, which was to be called {names[id_]!r}",
                hint=f"it has {', '.join(map(str, ids))}; take {id_} out of segment_names",
            )
    called = [plain(segment.name) for segment in segments]
    for segment, name in zip(segments, called, strict=True):
        if called.count(name) > 1:
            raise ConfigurationError(
                f"two segments are called {segment.name!r}",
                hint="campaigns must tell them apart: choose another name in segment_names or rule_segments",
            )


def _revenue_share(customers: pd.DataFrame, group: pd.DataFrame) -> float | None:
    revenue = next((name for name in REVENUE if name in customers.columns), None)
    if revenue is None:
        return None
    total = float(customers[revenue].sum())
    return float(group[revenue].sum()) / total if total > 0 else None


def _apart(effects: Floats, features: Sequence[Feature]) -> tuple[Apart, ...]:
    order = np.argsort(-np.abs(effects), kind="stable")
    return tuple(Apart(feature=features[column].name, effect=float(effects[column])) for column in order)


def _quantiles(values: Floats) -> Quantiles:
    q05, q25, q50, q75, q95 = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
    return Quantiles(q05=q05, q25=q25, q50=q50, q75=q75, q95=q95)


def _outer_fence(distances: Floats) -> float:
    first, third = np.quantile(distances, (0.25, 0.75))
    return float(third + 3 * (third - first))
