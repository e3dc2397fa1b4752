"""Where each customer would be who responds: every one scored after the response, exactly, and quickly.

The nearest centroid c of a point z is that with the largest z·c - |c|²/2, which is linear in what the model makes of
the features (winsorised, log1p). So the part of those features that no draw changes is summed up once for each customer
and centroid; a draw adds the part of the others. Nothing is approximated but the last digits of sums, which decide
between centroids that are equally near.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from campaigns.scenario.bound import Bound, Draw
from campaigns.scenario.money import paid
from campaigns.scenario.moves import Move, with_order
from campaigns.scenario.scenario import Change
from segmentation.errors import UnusableDataError
from segmentation.rules import NO_RULE, Condition, first_match
from segmentation.scoring import Arrays, Floats

Ints = npt.NDArray[np.int64]
ROWS_AT_ONCE = 16_384

Varying = Callable[[dict[str, Floats], Floats, Draw], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """What all customers have in common.

    Parameters
    ----------
    varying
        Of each feature that a draw changes: its value afterwards, from columns, what is paid and the draw.
    lower, upper, log_mask
        Of these features, as in `Arrays`.
    weights
        What each of them adds to the centroids, float64, shape (v, k).
    rules, rule_features
        Conditions of the rule segments, and the features that they ask for.
    k
        Number of centroids.
    """

    varying: dict[str, Varying]
    lower: Floats
    upper: Floats
    log_mask: npt.NDArray[np.bool_]
    weights: Floats
    rules: tuple[tuple[Condition, ...], ...]
    rule_features: tuple[str, ...]
    k: int


@dataclass(frozen=True, slots=True, eq=False)
class Destinations:
    """Where n customers would be.

    Parameters
    ----------
    kernel
        See there.
    linear
        What the features that no draw changes say for each centroid, float64, shape (k, n).
    columns
        Features that those which draws change are computed from, as they are before; float64, shape (n,) each.
    after
        Features that rules ask for and no draw changes, as they are afterwards; likewise.
    stopped
        By feature, how many customers' change ends at the end of its valid range.
    """

    kernel: Kernel
    linear: Floats
    columns: dict[str, Floats]
    after: dict[str, Floats]
    stopped: dict[str, int]

    def land(self, paid: Floats, draw: Draw, chosen: Ints | None = None) -> Ints:
        """Where customers go who respond.

        Parameters
        ----------
        paid
            What each of those chosen pays, float64.
        draw
            The assumptions.
        chosen
            Their places; None: all customers.

        Returns
        -------
        ndarray
            Positions in `card.all_segments`, int64.
        """
        # A part at a time: what a part needs stays in the processor's cache.
        places = np.arange(self.linear.shape[1]) if chosen is None else chosen
        landed = np.empty(len(places), dtype=np.int64)
        for start in range(0, len(places), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            landed[part] = self._part(paid[part], draw, places[part])
        return landed

    def _part(self, paid: Floats, draw: Draw, places: Ints) -> Ints:
        kernel = self.kernel
        rows = {name: column[places] for name, column in self.columns.items()}
        values = {name: after(rows, paid, draw) for name, after in kernel.varying.items()}
        prepared = [_prepared(kernel, position, value) for position, value in enumerate(values.values())]
        landed, best = np.zeros(len(places), dtype=np.int64), np.full(len(places), -np.inf)
        for centroid in range(kernel.k):
            near = self.linear[centroid][places]
            for position, value in enumerate(prepared):
                near += value * kernel.weights[position, centroid]
            landed[near > best] = centroid
            np.maximum(best, near, out=best)
        if kernel.rules:
            asked = [values[name] if name in values else self.after[name][places] for name in kernel.rule_features]
            rule = first_match(kernel.rules, kernel.rule_features, np.column_stack(asked))
            landed = np.where(rule == NO_RULE, landed, kernel.k + rule)
        return landed

    @staticmethod
    def joined(parts: Sequence[Destinations]) -> Destinations:
        """Several batches as one.

        Parameters
        ----------
        parts
            In their order; at least one.

        Returns
        -------
        Destinations
            Of all.
        """
        first = parts[0]
        return Destinations(
            first.kernel,
            np.concatenate([part.linear for part in parts], axis=1),
            {name: np.concatenate([part.columns[name] for part in parts]) for name in first.columns},
            {name: np.concatenate([part.after[name] for part in parts]) for name in first.after},
            {name: sum(part.stopped[name] for part in parts) for name in first.stopped},
        )


def destinations(bound: Bound, arrays: Arrays, features: Floats, basket: Floats | None) -> Destinations:
    """Prepare some customers.

    Parameters
    ----------
    bound
        The scenario.
    arrays
        The model.
    features
        float64, shape (n, d), as they are today.
    basket
        Their own average order; None where no order is a multiple of it.

    Returns
    -------
    Destinations
        Of these.

    Raises
    ------
    UnusableDataError
        A move would take a feature out of its valid range.
    """
    names = bound.card.feature_names
    rows = {name: features[:, column] for column, name in enumerate(names)}
    middle = bound.draw(np.array([assumption.at(0.5) for assumption in bound.assumptions]))
    pays = paid(bound, basket, middle, len(features))
    ranges = {
        feature.name: (
            -np.inf if feature.low is None else feature.low,
            np.inf if feature.high is None else feature.high,
        )
        for feature in bound.card.features
    }
    moving = _moving(bound, ranges)
    changing = {change.feature for change in bound.scenario.changes}
    after, stopped = features.copy(), {}
    for column, name in enumerate(names):
        if name in moving:
            after[:, column] = moving[name].value(rows, pays, middle)
            low, high = ranges[name]
            if name not in changing and ((after[:, column] < low) | (after[:, column] > high)).any():
                raise UnusableDataError(
                    f"an order would take {name} of some customers out of its valid range",
                    hint="mend that feature where it comes from, and assign anew",
                )
    for change, number in zip(bound.scenario.changes, middle.changes, strict=True):
        if change.add is not None or change.times is not None:
            low, high = ranges[change.feature]
            wanted = _unstopped(change, rows[change.feature], number)
            stopped[change.feature] = int(((wanted < low) | (wanted > high)).sum())
    drawn = np.array([name in moving and moving[name].varies for name in names])
    weights = arrays.matrix @ arrays.centroids.T
    constant = arrays.offset @ arrays.centroids.T - np.vecdot(arrays.centroids, arrays.centroids) / 2
    prepared = arrays.prepare(after)
    rules = tuple(segment.when for segment in bound.card.rule_segments)
    asked = tuple(dict.fromkeys(condition.feature for rule in rules for condition in rule))
    varying = {name: moving[name] for name, varies in zip(names, drawn, strict=True) if varies}
    needed = sorted({other for move in varying.values() for other in move.needs})
    kernel = Kernel(
        varying={name: move.value for name, move in varying.items()},
        lower=arrays.lower[drawn],
        upper=arrays.upper[drawn],
        log_mask=arrays.log_mask[drawn],
        weights=weights[drawn],
        rules=rules,
        rule_features=asked,
        k=len(arrays.centroids),
    )
    return Destinations(
        kernel,
        linear=np.ascontiguousarray((prepared[:, ~drawn] @ weights[~drawn] + constant).T),
        columns={name: rows[name].copy() for name in needed},
        after={name: after[:, names.index(name)].copy() for name in asked if name not in varying},
        stopped=stopped,
    )


def _prepared(kernel: Kernel, position: int, value: Floats) -> Floats:
    inside = np.clip(value, kernel.lower[position], kernel.upper[position])
    return np.log1p(inside) if kernel.log_mask[position] else inside


@dataclass(frozen=True, slots=True, eq=False)
class _Moving:
    value: Varying
    varies: bool
    needs: frozenset[str]


def _moving(bound: Bound, ranges: dict[str, tuple[float, float]]) -> dict[str, _Moving]:
    order = bound.scenario.order
    wait = 0.0 if order is None else order.wait_days
    moving = {
        move.feature: _Moving(_by_order(move, wait), move.paid and bound.paid_varies, move.needs)
        for move in bound.moves
    }
    for position, change in enumerate(bound.scenario.changes):
        value = _by_change(change, position, ranges[change.feature])
        needs = {change.feature} | ({"frequency"} if change.of_order is not None else set())
        moving[change.feature] = _Moving(value, bound.varies(change), frozenset(needs))
    return moving


def _by_order(move: Move, wait: float) -> Varying:
    return lambda rows, pays, _draw: move.after(rows, pays, wait)


def _by_change(change: Change, position: int, valid: tuple[float, float]) -> Varying:
    def value(rows: dict[str, Floats], _pays: Floats, draw: Draw) -> Floats:
        number, before = draw.changes[position], rows[change.feature]
        if change.set is not None:
            return np.full(len(before), number)
        if change.of_order is not None:
            return with_order(before, rows["frequency"], number)
        return np.clip(_unstopped(change, before, number), *valid)

    return value


def _unstopped(change: Change, before: Floats, number: float) -> Floats:
    return before * number if change.times is not None else before + number
