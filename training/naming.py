"""Names of segments, by rules over their profiles that leave no profile without a name and give none two.

The rules are told on docs/segments.md, which a test holds to what is here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, count
from typing import Literal

import numpy as np

from segmentation.features import Feature
from training.standings import Standings

Level = Literal["low", "middle", "high"]

REMARKABLE, LEANING, SLIGHT = 0.5, 0.3, 0.2
"""Effects, in standard deviations, from which on a feature is remarkable; leans to one side; is told to part namesakes.

A half is what Cohen (1988, "Statistical Power Analysis for the Behavioral Sciences") calls a medium effect.
"""

THIRD = 1 / 3
"""A remarkable segment's median customer is in the lowest or the highest third of everybody."""

LONGEST = 45

VALUE = ("monetary", "total_spent")
"""Features that say what customers are worth."""

ACTIVITY = ("frequency", "total_events")
"""Features that say how much they do."""

_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def level(effect: float, rank: float, least: float = REMARKABLE) -> Level:
    """Whether a feature of a segment is low, high, or neither.

    Parameters
    ----------
    effect, rank
        See `Standings`.
    least
        The smallest effect that counts.

    Returns
    -------
    Level
        Exactly one.
    """
    if effect >= least and rank >= 1 - THIRD:
        return "high"
    return "low" if effect <= -least and rank <= THIRD else "middle"


def head(value: Level, activity: Level, *, events: bool = False, everybody: float = 1.0, own: float = 1.0) -> str:
    """What kind of customers they are: the beginning of a name.

    Parameters
    ----------
    value, activity
        Level of what they are worth and of how much they do; middle where there is no such feature.
    events
        Whether they are visitors, known by what they click; else customers, known by what they order.
    everybody, own
        The median number of orders of everybody and of the segment; of visitors, for `everybody`, what they spent.

    Returns
    -------
    str
        Empty where both are middle: then only what sets them apart tells them.

    Examples
    --------
    >>> head("high", "high"), head("low", "middle"), head("middle", "high", events=True)
    ('Returning big spenders', 'Small spenders', 'Very active visitors')
    """
    # Where most visitors buy nothing, whoever spends is a buyer.
    worth = "buyers" if events and not everybody else "big spenders"
    people = {"low": "small spenders", "middle": "visitors" if events else "customers", "high": worth}[value]
    if activity == "middle":
        return "" if value == "middle" else people.capitalize()
    if events:
        return f"{'Very' if activity == 'high' else 'Less'} active {people}"
    if activity == "high":
        return f"{'Returning' if everybody < 2 else 'Frequent'} {people}"
    return f"{'One-time' if own < 2 else 'Occasional'} {people}"


def base_name(position: int, standing: Standings, features: Sequence[Feature]) -> str:
    """The name that the rules give a segment, whatever the others are called.

    Parameters
    ----------
    position
        Of the segment.
    standing
        Of all segments.
    features
        What the columns are; each knows what marketers call its low and its high end.

    Returns
    -------
    str
        At most 45 characters.
    """
    return _Profile(position, standing, features).base


def name_segments(
    standing: Standings,
    features: Sequence[Feature],
    given: Mapping[int, str] | None = None,
    taken: Collection[str] = (),
) -> list[str]:
    """Name each segment by the rules, no two alike.

    Parameters
    ----------
    standing
        Of all segments.
    features
        What the columns are.
    given
        By position, names that are settled already: set by the configuration, or kept by a segment that survives.
    taken
        Other names that no segment may get, such as those of rule segments.

    Returns
    -------
    list of str
        In the order of the segments. Of several segments that the rules give one name the first bears it, and the
        others are told by what else sets them apart.
    """
    names = dict(given or {})
    used = {plain(name) for name in (*names.values(), *taken)}
    profiles = [_Profile(position, standing, features) for position in range(len(standing.effects))]
    # First whoever can bear the name of the rules: no namesake's second name may take another segment's first.
    for candidates in ("first", "further"):
        for position, profile in enumerate(profiles):
            if position in names:
                continue
            namesakes = [
                other
                for place, other in enumerate(profiles)
                if place != position and plain(profile.base) in {plain(other.base), plain(names.get(place, other.base))}
            ]
            options = iter([profile.base]) if candidates == "first" else profile.others(namesakes)
            name = next((option for option in options if plain(option) not in used), None)
            if name is not None:
                names[position] = name
                used.add(plain(name))
    return [names[position] for position in range(len(profiles))]


def plain(name: str) -> str:
    """A name as it is compared with others.

    Parameters
    ----------
    name
        Of a segment.

    Returns
    -------
    str
        Two names of which this is the same would be taken for one.
    """
    return " ".join(name.lower().split())


class _Profile:
    """One segment, as the rules look at it."""

    def __init__(self, position: int, standing: Standings, features: Sequence[Feature]) -> None:
        self._effects, self._ranks = standing.effects[position], standing.ranks[position]
        self._medians, self._standing, self._features = standing.medians[position], standing, features
        self._order = [int(column) for column in np.argsort(-np.abs(self._effects), kind="stable")]
        self._kind = self._known_by(VALUE), self._known_by(ACTIVITY)
        self._head = self._name_kind()
        self.base = self._base()

    def others(self, namesakes: Sequence["_Profile"]) -> Iterator[str]:
        """Names for who cannot have the first one, the best first, without end."""
        start = self._head or (self._typical() if not self._traits(REMARKABLE, 1) else "")
        order = self._apart_from(namesakes)
        for least in (REMARKABLE, SLIGHT):
            told = [column for column in order if abs(self._effects[column]) >= least]
            told = [column for column in told if not (self._head and column in self._used())]
            for number in (1, 2) if start else (2, 3):
                for columns in combinations(told, number):
                    if not any(self._alike(*pair) for pair in combinations(columns, 2)):
                        yield _join([start, *(self._phrase(column) for column in sorted(columns))])
        for column in self._order:
            share = f"above {self._ranks[column]:.0%} of all".replace("%", " %")
            yield _join([_words(self._features[column]), share], " ")
        for number in count(2):
            yield _end(self.base, f"{_ordinal(number)} group")

    def _apart_from(self, namesakes: Sequence["_Profile"]) -> list[int]:
        """Features by how far it goes beyond the nearest namesake: what holds of that one still more parts nobody."""
        if not namesakes:
            return self._order
        side = np.sign(self._effects)
        apart = np.min([side * (self._effects - other._effects) for other in namesakes], axis=0)
        return sorted(self._order, key=lambda column: -float(apart[column]))

    def _base(self) -> str:
        if self._head:
            return _join([self._head, *self._traits(REMARKABLE, 1)])
        traits = self._traits(REMARKABLE, 2)
        return _join(traits) if traits else _join([self._typical(), *self._traits(LEANING, 1)])

    def _name_kind(self) -> str:
        value, activity = self._kind
        counted = value if self._events() else activity
        return head(
            "middle" if value is None else self._level(value),
            "middle" if activity is None else self._level(activity),
            events=self._events(),
            everybody=1.0 if counted is None else float(self._standing.middle[counted]),
            own=1.0 if counted is None else float(self._medians[counted]),
        )

    def _traits(self, least: float, most: int) -> list[str]:
        """What sets it apart most and is not said yet, in the order of the features: who leads may change by little."""
        chosen: list[int] = []
        for column in self._order:
            if column in self._used() or self._level(column, least) == "middle":
                continue
            if not any(self._alike(column, other) for other in (*self._used(), *chosen)):
                chosen.append(column)
        return [self._phrase(column) for column in sorted(chosen[:most])]

    def _used(self) -> tuple[int, ...]:
        return tuple(column for column in self._kind if column is not None and self._level(column) != "middle")

    def _alike(self, column: int, other: int) -> bool:
        return bool(self._standing.same[column, other]) or self._phrase(column) == self._phrase(other)

    def _level(self, column: int, least: float = REMARKABLE) -> Level:
        return level(float(self._effects[column]), float(self._ranks[column]), least)

    def _phrase(self, column: int) -> str:
        return self._features[column].high if self._effects[column] > 0 else self._features[column].low

    def _known_by(self, names: Collection[str]) -> int | None:
        return next((column for column, each in enumerate(self._features) if each.name in names), None)

    def _events(self) -> bool:
        return any("event_type" in feature.needs for feature in self._features)

    def _typical(self) -> str:
        return f"Typical {'visitors' if self._events() else 'customers'}"


def _words(feature: Feature) -> str:
    return feature.name.replace("_", " ")


def _ordinal(number: int) -> str:
    return _ORDINALS[number - 2] if number - 2 < len(_ORDINALS) else f"number {number}"


def _join(phrases: Sequence[str], by: str = ", ") -> str:
    """Phrases as a name: as many as fit."""
    name = ""
    for phrase in phrases:
        longer = f"{name}{by}{phrase}" if name and phrase else name or phrase
        if name and len(longer) > LONGEST:
            break
        name = longer
    return _shorten(name[:1].upper() + name[1:], LONGEST)


def _end(name: str, last: str) -> str:
    return f"{_shorten(name, LONGEST - len(last) - 2)}, {last}"


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
