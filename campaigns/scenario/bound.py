"""A scenario that fits a model, and one draw of what it assumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.scenario.assumptions import Distribution
from campaigns.scenario.moves import Move
from campaigns.scenario.scenario import Change, Scenario
from segmentation.card import Card
from segmentation.scoring import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One number for each assumption.

    Parameters
    ----------
    uplift
        By position of the segment, float64, shape (K,).
    baseline, basket, discount, contact_cost, fixed_cost, margin
        As in `Scenario`.
    changes
        In the scenario's order.
    """

    uplift: Floats
    baseline: float
    basket: float
    discount: float
    contact_cost: float
    fixed_cost: float
    margin: float
    changes: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A scenario that fits a model.

    Parameters
    ----------
    scenario, card
        What was bound.
    targeted
        Positions in `card.all_segments` of the segments that are contacted.
    assumptions
        In an order of their own; `draw` takes a number for each.
    uplift_of
        By position of the segment, which assumption is its uplift.
    moves
        Of features that a response moves.
    kept
        By the names of the others, why they stay.
    """

    scenario: Scenario
    card: Card
    targeted: tuple[int, ...]
    assumptions: tuple[Distribution, ...]
    uplift_of: tuple[int, ...]
    moves: tuple[Move, ...]
    kept: dict[str, str]

    def draw(self, numbers: Floats) -> Draw:
        """Name the numbers drawn.

        Parameters
        ----------
        numbers
            One for each assumption.

        Returns
        -------
        Draw
            Shares such that nobody both responds and would have ordered anyway, and nobody is lost who would not have.
        """
        by_name = {assumption.name: float(number) for assumption, number in zip(self.assumptions, numbers, strict=True)}
        baseline = by_name["baseline"]
        uplift = np.clip(np.asarray(numbers)[list(self.uplift_of)], -baseline, 1 - baseline)
        return Draw(
            uplift=uplift,
            baseline=baseline,
            basket=by_name.get("basket", 0.0),
            discount=by_name["discount"],
            contact_cost=by_name["contact cost"],
            fixed_cost=by_name["fixed cost"],
            margin=by_name["margin"],
            changes=tuple(by_name[f"change of {change.feature}"] for change in self.scenario.changes),
        )

    def cut(self, numbers: Floats) -> bool:
        """Whether an uplift drawn had to be cut off to be possible beside the baseline drawn; see `draw`."""
        baseline = numbers[[assumption.name for assumption in self.assumptions].index("baseline")]
        drawn = numbers[[self.uplift_of[position] for position in self.targeted]]
        return bool(((drawn < -baseline) | (drawn > 1 - baseline)).any())

    @property
    def relative(self) -> bool:
        """Whether an order is worth a multiple of the customer's own average."""
        order = self.scenario.order
        return order is not None and order.basket.times_average is not None

    @property
    def paid_varies(self) -> bool:
        """Whether what is paid for the order is drawn anew each time."""
        feeding = {"basket", "discount"}
        return any(not assumption.certain for assumption in self.assumptions if assumption.name in feeding)

    def varies(self, change: Change) -> bool:
        """Whether a change is drawn anew each time."""
        names = [assumption.name for assumption in self.assumptions]
        return not self.assumptions[names.index(f"change of {change.feature}")].certain
