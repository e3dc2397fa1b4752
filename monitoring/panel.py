"""A panel of a dashboard."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture.

    Parameters
    ----------
    title, description
        What it shows; what to read from it.
    unit
        As Grafana calls it.
    queries
        In PromQL, with the legend of their lines.
    kind
        Lines over time, areas on top of one another, or the latest number alone.
    limit
        Above what numbers are red; None: nothing is.
    wide
        Over the whole width.
    """

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: Literal["lines", "areas", "number"] = "lines"
    limit: float | None = None
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard: its title, what it is for, and its panels."""

    title: str
    description: str
    panels: tuple[Panel, ...]
