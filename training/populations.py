"""Who is clustered, and whom a rule puts in a segment of its own first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segmentation.errors import ConfigurationError, UnusableDataError, nearest
from segmentation.privacy import SMALLEST_GROUP
from segmentation.rules import FIRST_ID, NO_RULE, Condition, first_match

if TYPE_CHECKING:
    from segmentation.tables import Table
    from training.configuration import Configuration
    from training.history import Choice
    from training.snapshot import Snapshot

HISTORY = {"orders": "frequency", "events": "total_events"}
"""By canonical table, the feature that counts a customer's history."""

NOT_ENOUGH = "not_enough_history"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule segment as it is asked for; see `segmentation.card.RuleSegment`."""

    id: int
    name: str
    when: tuple[Condition, ...]
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Populations:
    """The customers of a snapshot by who says what segment they are in.

    Parameters
    ----------
    rules
        In the order in which they are asked.
    taken
        Position of the rule that takes each customer, or -1; int64, shape (n,).
    """

    rules: tuple[Rule, ...]
    taken: npt.NDArray[np.int64]

    @property
    def clustered(self) -> npt.NDArray[np.bool_]:
        """Which customers no rule takes, bool, shape (n,)."""
        return np.equal(self.taken, NO_RULE)


def needed(configuration: Configuration, shape: Table) -> tuple[str, ...]:
    """The features that rules ask for: they must be among the model's.

    Parameters
    ----------
    configuration
        Its declared segments and minimum history.
    shape
        The canonical table.

    Returns
    -------
    tuple of str
        Names.

    Raises
    ------
    ConfigurationError
        A minimum history is asked for where there is none, or a rule's feature is not among those asked for.
    """
    names = [condition.feature for declared in configuration.rule_segments for condition in declared.when]
    if configuration.minimum_history != 1:
        if shape.name not in HISTORY or (configuration.minimum_history == "auto" and shape.name != "events"):
            raise ConfigurationError(
                f"minimum_history: {configuration.minimum_history} does not go with {shape.name}",
                hint="auto is for events; a number is for orders and events",
            )
        names.append(HISTORY[shape.name])
    for name in names:
        if configuration.features and name not in configuration.features:
            raise ConfigurationError(
                f"a rule asks for {name!r}, which is not among features", hint=f"add {name} to features"
            )
    return tuple(dict.fromkeys(names))


def split(snapshot: Snapshot, configuration: Configuration, choice: Choice) -> Populations:
    """Ask the rules.

    Parameters
    ----------
    snapshot
        The customers.
    configuration
        Its declared segments.
    choice
        The minimum history.

    Returns
    -------
    Populations
        Everybody in exactly one of them.

    Raises
    ------
    ConfigurationError
        A rule asks for a feature that the data do not give.
    UnusableDataError
        Rules take everybody, or nearly.
    """
    names = [feature.name for feature in snapshot.features]
    rules = []
    if choice.minimum > 1:
        condition = Condition(feature=HISTORY[snapshot.shape.name], below=float(choice.minimum))
        rules.append(Rule(FIRST_ID, NOT_ENOUGH, (condition,), choice.why))
    for declared in configuration.rule_segments:
        for condition in declared.when:
            if condition.feature not in names:
                why = snapshot.left_out.get(condition.feature)
                raise ConfigurationError(
                    f"rule_segments: {declared.name!r} asks for {condition.feature!r}, which is not there",
                    hint=why or nearest(condition.feature, names, "there are"),
                )
        rules.append(Rule(declared.id, declared.name, declared.when, "declared in the configuration"))
    taken = first_match([rule.when for rule in rules], names, snapshot.customers.to_numpy())
    left = int((taken == NO_RULE).sum())
    for position, rule in enumerate(rules):
        number = int((taken == position).sum())
        if 0 < number < SMALLEST_GROUP:
            raise UnusableDataError(
                f"the rule segment {rule.name!r} takes fewer than {SMALLEST_GROUP} customers",
                hint="what is told of the others would tell of them: widen the rule, or leave it out",
            )
    if len(taken) < 2 * SMALLEST_GROUP:
        raise UnusableDataError(
            f"there are {len(taken)} customers; clusters need {2 * SMALLEST_GROUP} or more", hint="give more data"
        )
    if left < 2 * SMALLEST_GROUP:
        raise UnusableDataError(
            f"rule segments leave {left} of {len(taken):,} customers to be clustered",
            hint="lower minimum_history, or narrow rule_segments",
        )
    return Populations(tuple(rules), taken)
