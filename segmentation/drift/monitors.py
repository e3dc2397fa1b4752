"""What is watched of a model: fixed bins, how many reference customers fall into each, and coefficients."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from segmentation.errors import InconsistentModelError
from segmentation.scoring import Floats

Kind = Literal["feature", "segments", "distance", "distance_within", "residual"]
Level = Literal["calibration", "alert"]
Counts = npt.NDArray[np.int64]

LEVELS: dict[Level, float] = {"calibration": 0.05, "alert": 0.001}
"""Chance that a window without drift raises any alarm at all, over all statistics of the model together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One thing that is watched.

    Parameters
    ----------
    name
        `feature:<name>`, `segments`, `distance`, `distance:<id of the segment>`, `residual`.
    kind
        Value of a feature (missing ones filled); position in `card.all_segments`; distance to the nearest centre, of
        everybody whom no rule took, or of those of one segment; residual (see `scoring.Scores`).
    edges
        Inner edges, ascending, one fewer than bins: a bin holds low <= value < high, the outer two are open. Empty for
        segments, whose bins are their positions.
    counts
        Reference customers per bin: at least 10 each, or none (a rule that took nobody).
    missing
        Reference customers who lacked the feature, and were counted with what stands for it; 0 for fewer than 10.
    coefficients
        By level; see `threshold`.
    ages
        Whether the feature is measured back from the day it is looked at (recency, tenure): it shifts where nothing but
        time passes, which is a sign of age and not of other customers.
    """

    name: str
    kind: Kind
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int = 0
    coefficients: dict[Level, float] = field(default_factory=dict)
    ages: bool = False

    def __post_init__(self) -> None:
        if not self.counts or (self.kind != "segments" and len(self.edges) != len(self.counts) - 1):
            raise InconsistentModelError(
                f"the drift reference {self.name!r} has {len(self.counts)} bins and {len(self.edges)} inner edges",
                hint="publish the model again",
            )
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise InconsistentModelError(
                f"the edges of the drift reference {self.name!r} do not ascend", hint="publish the model again"
            )

    @property
    def total(self) -> int:
        """Reference customers."""
        return sum(self.counts)

    def count(self, values: Floats | Counts) -> Counts:
        """Count values into the bins.

        Parameters
        ----------
        values
            Of a window's customers, shape (n,); NaN, of whom a rule took, is left out.

        Returns
        -------
        ndarray
            int64, one per bin.
        """
        return np.bincount(self.bin(values[~np.isnan(values)]), minlength=len(self.counts)).astype(np.int64)

    def bin(self, values: Floats | Counts) -> Counts:
        """The bin of each value.

        Parameters
        ----------
        values
            Shape (n,), not NaN.

        Returns
        -------
        ndarray
            int64, shape (n,).
        """
        if self.kind == "segments":
            return values.astype(np.int64)
        return np.searchsorted(self.edges, values, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What a model's later customers are compared with.

    Parameters
    ----------
    monitors
        Features in the model's order, then segments, distance, distance within each segment, residual.
    minimum
        Customers under which a statistic gives no verdict.
    reference_customers
        Customers that the model was made of.
    windows, smallest_window, largest_window
        How many windows were drawn to calibrate, and of how many customers.
    tail
        Shape of the generalised Pareto distribution that gave the level `alert`; above 0 its tail is a heavy one.
    """

    monitors: tuple[Monitor, ...]
    minimum: int
    reference_customers: int
    windows: int
    smallest_window: int
    largest_window: int
    tail: float

    def monitor(self, name: str) -> Monitor | None:
        """The monitor of a name, such as `segments`; None where the model has none."""
        return next((each for each in self.monitors if each.name == name), None)
