"""Customers to segments as a card tells them: rule segments first, the arrays for everybody else."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.card import Card
from segmentation.drift import Counts
from segmentation.rules import NO_RULE, first_match
from segmentation.scoring import Arrays, Floats, score


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Segments of n customers.

    Parameters
    ----------
    segment
        Position in `card.all_segments`, int64, shape (n,).
    runner_up
        Likewise; -1 for customers whom a rule took: nothing was compared.
    distance, margin, residual
        As in `Scores`, float64, shape (n,); NaN for customers whom a rule took.
    """

    segment: npt.NDArray[np.int64]
    runner_up: npt.NDArray[np.int64]
    distance: Floats
    margin: Floats
    residual: Floats


def assign(card: Card, arrays: Arrays, features: Floats) -> Assignment:
    """Find each customer's segment.

    Parameters
    ----------
    card, arrays
        The model.
    features
        float64, shape (n, d), finite, columns in the model's order.

    Returns
    -------
    Assignment
        In input order.
    """
    if not card.rule_segments:
        scores = score(arrays, features)
        return Assignment(scores.segment, scores.runner_up, scores.distance, scores.margin, scores.residual)
    rule = first_match([segment.when for segment in card.rule_segments], card.feature_names, features)
    free = rule == NO_RULE
    segment, runner_up = card.k + rule, np.full(len(rule), NO_RULE, dtype=np.int64)
    distance, margin, residual = np.full((3, len(rule)), np.nan)
    scores = score(arrays, features[free])
    segment[free], runner_up[free] = scores.segment, scores.runner_up
    distance[free], margin[free], residual[free] = scores.distance, scores.margin, scores.residual
    return Assignment(segment, runner_up, distance, margin, residual)


def tally(card: Card, features: Floats, assigned: Assignment) -> dict[str, Counts]:
    """Count customers into the bins of all drift statistics of a model.

    Parameters
    ----------
    card
        Of the model.
    features
        float64, shape (n, d), finite, columns in the model's order.
    assigned
        What `assign` says of them.

    Returns
    -------
    dict of str to ndarray
        By name of the monitor, customers per bin; counts of several batches may be added.
    """
    place = {name: column for column, name in enumerate(card.feature_names)}
    position = {f"distance:{segment.id}": at for at, segment in enumerate(card.segments)}
    counted = {}
    for monitor in card.drift.monitors:
        values: npt.NDArray[np.int64] | Floats
        if monitor.kind == "feature":
            values = features[:, place[monitor.name.removeprefix("feature:")]]
        elif monitor.kind == "segments":
            values = assigned.segment
        elif monitor.kind == "distance_within":
            values = assigned.distance[assigned.segment == position[monitor.name]]
        else:
            values = assigned.distance if monitor.kind == "distance" else assigned.residual
        counted[monitor.name] = monitor.count(values)
    return counted
