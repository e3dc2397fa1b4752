"""A scenario bound to a model: segments and features found, assumptions ready to be drawn, moves chosen."""

from __future__ import annotations

from math import isfinite

from campaigns.scenario.assumptions import Assumption, Distribution, distribution
from campaigns.scenario.bound import Bound
from campaigns.scenario.moves import KEPT, MEANS, MOVES, SPENT, Move
from campaigns.scenario.reading import Source
from campaigns.scenario.scenario import Change
from segmentation.card import Card
from segmentation.errors import ConfigurationError, nearest
from segmentation.tables import Interval

SHARE, MONEY = Interval(0, 1), Interval(0, 1e12)
UPLIFT = Interval(-1, 1)
ANY = Interval(-1e12, 1e12)


def bind(source: Source, card: Card) -> Bound:
    """Bind a scenario to a model.

    Parameters
    ----------
    source
        The scenario.
    card
        The model's.

    Returns
    -------
    Bound
        Ready to be simulated.

    Raises
    ------
    ConfigurationError
        A segment or feature is not the model's; a number is out of its range; the model lacks what is needed.
    """
    scenario = source.scenario
    targeted = _targeted(source, card)
    for condition in scenario.target.where:
        _require_feature(source, card, condition.feature, "target", "where")
        bounds = [bound for bound in (condition.at_least, condition.below) if bound is not None]
        if not bounds or not all(isfinite(bound) for bound in bounds):
            lacks = "an endless bound" if bounds else "no bound"
            raise ConfigurationError(
                f"{source.where('target', 'where')}: {condition.feature} has {lacks}",
                hint="give at_least, below or both",
            )
    own = {}
    for item in scenario.uplift_by_segment:
        position = _position(source, card, item.segment, "uplift_by_segment")
        if position in own:
            raise ConfigurationError(
                f"{source.where('uplift_by_segment')}: segment {item.segment!r} is there twice",
                hint="keep one of the two",
            )
        if position not in targeted:
            raise ConfigurationError(
                f"{source.where('uplift_by_segment')}: segment {item.segment!r} is not contacted",
                hint="add it to target.segments, or leave it out here",
            )
        own[position] = item.uplift
    if scenario.order is not None and scenario.order.basket.times_average is not None:
        _require_average(source, card)
    moves, kept = _moves(source, card)
    uplifts, uplift_of = _uplifts(source, card, own, targeted)
    return Bound(scenario, card, targeted, (*uplifts, *_others(source, card)), uplift_of, moves, kept)


def _targeted(source: Source, card: Card) -> tuple[int, ...]:
    named = source.scenario.target.segments
    positions = [_position(source, card, segment, "target", "segments") for segment in named]
    return tuple(sorted(set(positions))) if named else tuple(range(len(card.all_segments)))


def _position(source: Source, card: Card, given: int | str, *path: str) -> int:
    for position, segment in enumerate(card.all_segments):
        if given in (segment.id, segment.name):
            return position
    names = [segment.name for segment in card.all_segments]
    known = ", ".join(f"{segment.id} {segment.name!r}" for segment in card.all_segments)
    hint = f"it has {known}" if isinstance(given, int) else nearest(given, names)
    raise ConfigurationError(f"{source.where(*path)}: the model has no segment {given!r}", hint=hint)


def _require_feature(source: Source, card: Card, name: str, *path: str) -> None:
    if name not in card.feature_names:
        raise ConfigurationError(
            f"{source.where(*path)}: the model has no feature {name!r}", hint=nearest(name, card.feature_names)
        )


def _require_average(source: Source, card: Card) -> None:
    present, spent = set(card.feature_names), SPENT.get(card.table)
    if "average_basket" not in present and (spent is None or not present.issuperset(spent)):
        raise ConfigurationError(
            f"{source.where('order')}: the model does not know what its customers' orders are worth",
            hint="give order.basket.amount instead of times_average",
        )


def _moves(source: Source, card: Card) -> tuple[tuple[Move, ...], dict[str, str]]:
    moves, kept = {}, {}
    present, changed = set(card.feature_names), {change.feature for change in source.scenario.changes}
    catalogue = {move.feature: move for move in MOVES[card.table]}
    for name in card.feature_names:
        move = catalogue.get(name)
        if source.scenario.order is None:
            kept[name] = "stays: there is no order"
        elif move is None:
            kept[name] = KEPT[card.table].get(name, "stays: it does not follow from orders")
        elif move.needs <= present:
            moves[name] = move
        else:
            lacking = ", ".join(sorted(move.needs - present))
            kept[name] = f"stays: it cannot be computed anew, for the model has no {lacking}"
    for name in changed:
        _require_feature(source, card, name, "changes")
        if name in catalogue:
            raise ConfigurationError(
                f"{source.where('changes')}: {name} follows from orders",
                hint="say it by order: what hangs together moves together",
            )
        _require_mean(source, name, present)
        kept.pop(name, None)
    return tuple(moves.values()), kept


def _require_mean(source: Source, name: str, present: set[str]) -> None:
    of_order = any(change.feature == name and change.of_order is not None for change in source.scenario.changes)
    if not of_order:
        return
    if name not in MEANS:
        raise ConfigurationError(
            f"{source.where('changes')}: {name} is no mean over orders",
            hint=f"of_order is for {', '.join(sorted(MEANS))}; the others take add, times or set",
        )
    if source.scenario.order is None or "frequency" not in present:
        raise ConfigurationError(
            f"{source.where('changes')}: {name} has no number of orders to be the mean of",
            hint="give order, for a model that has frequency; or say it by add, times or set",
        )


def _uplifts(
    source: Source, card: Card, own: dict[int, Assumption], targeted: tuple[int, ...]
) -> tuple[list[Distribution], tuple[int, ...]]:
    common = distribution(source.scenario.uplift, "uplift", "share", UPLIFT, source.where("uplift"))
    made, uplift_of = [common], [0] * len(card.all_segments)
    for position, given in own.items():
        name = f"uplift of segment {card.all_segments[position].id}"
        uplift_of[position] = len(made)
        made.append(distribution(given, name, "share", UPLIFT, source.where("uplift_by_segment")))
    if set(own) >= set(targeted):
        # Nobody is left whom the common uplift is of: it must not appear among what the answer hangs on.
        made[0] = Distribution("uplift", "share", "certain", UPLIFT, 0.0, None)
    return made, tuple(uplift_of)


def _others(source: Source, card: Card) -> list[Distribution]:
    scenario = source.scenario
    made = [distribution(scenario.baseline, "baseline", "share", SHARE, source.where("baseline"))]
    if scenario.order is not None:
        basket = scenario.order.basket
        where = source.where("order", "basket")
        if basket.times_average is not None:
            made.append(distribution(basket.times_average, "basket", "times", Interval(0, 1000), where))
        elif basket.amount is not None:
            made.append(distribution(basket.amount, "basket", "money", MONEY, where))
    discount = scenario.discount
    unit, valid = ("money", MONEY) if discount.amount is not None else ("share", SHARE)
    off = discount.amount if discount.amount is not None else discount.share
    made += [
        distribution(0.0 if off is None else off, "discount", unit, valid, source.where("discount")),
        distribution(scenario.contact_cost, "contact cost", "money", MONEY, source.where("contact_cost")),
        distribution(scenario.fixed_cost, "fixed cost", "money", MONEY, source.where("fixed_cost")),
        distribution(scenario.margin, "margin", "share", SHARE, source.where("margin")),
    ]
    return made + [_change(source, card, change) for change in scenario.changes]


def _change(source: Source, card: Card, change: Change) -> Distribution:
    feature = next(feature for feature in card.features if feature.name == change.feature)
    where, name = f"{source.where('changes')}: {change.feature}", f"change of {change.feature}"
    to = change.set if change.set is not None else change.of_order
    if to is not None:
        valid = Interval(
            ANY.low if feature.low is None else feature.low, ANY.high if feature.high is None else feature.high
        )
        return distribution(to, name, feature.unit, valid, where)
    if change.times is not None:
        return distribution(change.times, name, "times", ANY, where)
    # More than the range is wide takes everybody out of it.
    width = None if feature.low is None or feature.high is None else feature.high - feature.low
    most = ANY if width is None else Interval(-width, width)
    added = change.add if change.add is not None else 0.0
    return distribution(
        added, name, feature.unit, most, f"{source.where('changes')}: what {change.feature} is raised by"
    )
