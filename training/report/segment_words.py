"""What a card tells of its segments, in words and tables that a marketer reads."""

from collections.abc import Mapping, Sequence
from math import ceil, isclose

from segmentation.card import Card
from segmentation.features import EVENT_FEATURES, ORDER_FEATURES
from segmentation.privacy import SMALLEST_GROUP
from segmentation.segment import Apart, Quantiles, RuleSegment, Segment
from training.colours import dark
from training.naming import LEANING
from training.report.drawing import percent
from training.report.page import SegmentCard, Table

MOST_TRAITS, MOST_ABREAST = 4, 5

_PHRASES = {feature.name: (feature.low, feature.high) for feature in (*EVENT_FEATURES, *ORDER_FEATURES)}

_STABILITY = (
    (0.85, "highly stable"),
    (0.75, "stable"),
    (0.6, "a pattern, though who exactly belongs to it is in doubt"),
    (0.5, "not to be trusted"),
    (0.0, "it dissolves"),
)
"""Least Jaccard similarity, and what Hennig (2007) says of it."""

_COMPACT = (
    (0.7, "strongly set apart"),
    (0.5, "clearly set apart"),
    (0.25, "weakly set apart"),
    (-1.0, "hardly set apart"),
)
"""Least silhouette, and what Kaufman and Rousseeuw (1990, "Finding Groups in Data", table 2.4) say of it."""


def segment_card(
    segment: Segment | RuleSegment, card: Card, middle: Mapping[str, float], today: str = ""
) -> SegmentCard:
    """One segment, in words.

    Parameters
    ----------
    segment
        Of the card.
    card
        Whose it is.
    middle
        By feature, the median of everybody who was clustered.
    today
        The name that the rules would give it now, where it is known and nobody chose another.

    Returns
    -------
    SegmentCard
        As the page shows it.
    """
    lines = _by_rule(segment) if isinstance(segment, RuleSegment) else _trust(segment)
    if today and today != segment.name:
        lines = (*lines, f"It keeps the name it had; by what it is now the rules would call it “{today}”.")
    traits = () if isinstance(segment, RuleSegment) else _traits(segment, card, middle)
    return SegmentCard(
        id=segment.id,
        name=segment.name,
        colour=segment.colour,
        letters="#ffffff" if dark(segment.colour) else "#000000",
        customers=f"{segment.customers:,}",
        share=100 * segment.share,
        revenue=None if segment.revenue_share is None else 100 * segment.revenue_share,
        worth=_worth(segment),
        traits=traits,
        without="Nothing by much: its customers are like everybody." if isinstance(segment, Segment) else "",
        lines=lines,
    )


def stability_words(stability: float) -> str:
    """What a stability means.

    Parameters
    ----------
    stability
        See `segmentation.evidence.Refits`.

    Returns
    -------
    str
        In Hennig's terms.
    """
    return _in_words(stability, _STABILITY)


def profiles(card: Card) -> tuple[Table, ...]:
    """The quantiles of every feature, of everybody and of each segment.

    Parameters
    ----------
    card
        With profiles.

    Returns
    -------
    tuple of Table
        Median, middle half, and 5 to 95 % in each cell; of five segments at most, so that each fits a sheet of paper.
    """
    segments = [segment for segment in card.all_segments if segment.profile]
    parts = ceil(len(segments) / MOST_ABREAST)
    size = ceil(len(segments) / parts)
    return tuple(_profiles(card, segments[start : start + size]) for start in range(0, len(segments), size))


def stand_ins(card: Card) -> str:
    """What stands for values that customers do not have, and for how many.

    Parameters
    ----------
    card
        With its drift reference, which counts them.

    Returns
    -------
    str
        A sentence, with a space before it; empty where nobody lacks anything that can be told.
    """
    told = []
    for feature in card.features:
        missing = _missing(card).get(feature.name, 0)
        if missing and feature.fill is not None:
            have = card.counts.customers - missing
            share = "nearly all" if have < SMALLEST_GROUP else percent(missing / card.counts.customers)
            told.append(f"{readable(feature.name)} {value(feature.fill, feature.unit)} ({share} of all have none)")
    return f" Who has no value of a feature is counted with what stands for it: {'; '.join(told)}." if told else ""


def _missing(card: Card) -> dict[str, int]:
    """Customers without a value, by feature; 0 for fewer than 10."""
    watched = [monitor for monitor in card.drift.monitors if monitor.kind == "feature"]
    return {monitor.name.removeprefix("feature:"): monitor.missing for monitor in watched}


def _profiles(card: Card, segments: Sequence[Segment | RuleSegment]) -> Table:
    return Table(
        "Median; middle half of the customers; 5 to 95 %",
        ("feature", "everybody", *(f"{segment.id} {segment.name}" for segment in segments)),
        tuple(
            (
                f"{readable(feature.name)}\n{feature.unit}",
                _quantiles(card.population[feature.name], feature.unit),
                *(_quantiles(segment.profile[feature.name], feature.unit) for segment in segments),
            )
            for feature in card.features
        ),
        numbers=frozenset(range(1, len(segments) + 2)),
        look="quantiles",
    )


def readable(name: str) -> str:
    """A feature's name as words.

    Parameters
    ----------
    name
        Such as distinct_categories.

    Returns
    -------
    str
        Such as distinct categories.
    """
    return name.replace("_", " ")


def value(number: float, unit: str = "") -> str:
    """A feature's value, with as many digits as tell something.

    Parameters
    ----------
    number
        Of any size.
    unit
        Shares are told in percent.

    Returns
    -------
    str
        Three significant digits below 1,000, whole numbers from there.
    """
    if unit == "share":
        return f"{100 * number:.3g} %"
    rounded = f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
    return "0" if rounded in ("-0", "0") else rounded


def _traits(segment: Segment, card: Card, middle: Mapping[str, float]) -> tuple[tuple[str, str, str], ...]:
    """What sets its middle apart, not its extremes alone; each said once."""
    units = {feature.name: feature.unit for feature in card.features}
    # Effects are told against those who were clustered; where no rule takes anybody, that is everybody.
    others = "all clustered" if card.rule_segments else "everybody"
    # Where most have no value, everybody's median is what stands for one, and nobody's.
    lacking = {name for name, missing in _missing(card).items() if missing > card.counts.customers / 2}
    fills = {feature.name: feature.fill for feature in card.features}
    told: dict[str, tuple[str, str, str]] = {}
    for each in segment.apart:
        own, all_, unit = segment.profile[each.feature].q50, middle[each.feature], units[each.feature]
        if abs(each.effect) >= LEANING and own != all_:
            beside = f"{others} {value(all_, unit)}"
            if each.feature in lacking and isclose(all_, fills[each.feature] or 0.0, rel_tol=1e-6):
                beside = f"most have none, counted as {value(all_, unit)}"
            numbers = f"{readable(each.feature)} {value(own, unit)} ({beside})"
            told.setdefault(_phrase(each), (_phrase(each), numbers, f"{each.effect:+.2f}"))
    return tuple(told.values())[:MOST_TRAITS]


def _phrase(apart: Apart) -> str:
    name = readable(apart.feature)
    return _PHRASES.get(apart.feature, (f"low {name}", f"high {name}"))[apart.effect > 0]


def _worth(segment: Segment | RuleSegment) -> str:
    if segment.revenue_share is None or not segment.share:
        return ""
    if not segment.revenue_share:
        return "no revenue"
    return f"{segment.revenue_share / segment.share:.1f} times the average customer's revenue"


def _trust(segment: Segment) -> tuple[str, ...]:
    return (
        f"Stability {segment.stability:.2f}: {stability_words(segment.stability)}.",
        f"Silhouette {segment.silhouette:.2f}: {_in_words(segment.silhouette, _COMPACT)}.",
    )


def _in_words(value: float, words: Sequence[tuple[float, str]]) -> str:
    """Of the number that is shown beside it: 0.497 reads 0.50, and cannot be less than 0.5 to a reader."""
    return next(said for least, said in words if round(value, 2) >= least)


def _by_rule(segment: RuleSegment) -> tuple[str, ...]:
    return (f"By rule: {' and '.join(map(str, segment.when))}.", f"{segment.why[:1].upper()}{segment.why[1:]}.")


def _quantiles(told: Quantiles, unit: str) -> str:
    lines = ((told.q50,), (told.q25, told.q75), (told.q05, told.q95))
    return "\n".join(" to ".join(value(number, unit) for number in line) for line in lines)


def shares(part: float | None) -> str:
    """A share as a table shows it.

    Parameters
    ----------
    part
        0 to 1; None where it is not told.

    Returns
    -------
    str
        In percent, or a dash.
    """
    return "-" if part is None else percent(part)
