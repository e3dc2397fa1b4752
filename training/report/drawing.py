"""What all pictures share: a figure without global state, axes that read in black and white, and the PNG of it."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats

DOTS_PER_INCH = 110
WIDTH = 9.0
"""Inches; the height is the picture's own."""

SMALL, NORMAL = 9, 10
"""Points."""

INK, FILL, PALE = "#1a1a1a", "#5b86ad", "#d7e1ea"
"""Text and lines; bars; bars of another kind, which are hatched as well."""

HATCH = "////"
MARKERS = "os^DvPX*<>ph"
"""Shapes tell segments apart in black and white; beyond a dozen they begin anew."""

BLUR = 0.015
"""Standard deviation of how far a point is moved, over the width and height of the picture."""
LONGEST_LABEL = 34


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its words.

    Parameters
    ----------
    name
        Of its file, without ending.
    title
        Above it.
    alt
        What is to be seen, for those who cannot see it.
    says
        The result read aloud, with its numbers.
    png
        The file.
    """

    name: str
    title: str
    alt: str
    says: str
    png: bytes


def new_figure(height: float, width: float = WIDTH, *, placed: bool = False) -> Figure:
    """An empty figure that makes room for its labels.

    Parameters
    ----------
    height, width
        Inches.
    placed
        Whether the caller says where axes are, by `Figure.subplots_adjust`: quicker than to have room found for many.

    Returns
    -------
    Figure
        On Agg, unknown to pyplot.
    """
    figure = Figure(
        figsize=(width, height), dpi=DOTS_PER_INCH, layout=None if placed else "constrained", facecolor="white"
    )
    FigureCanvasAgg(figure)
    return figure


def tidy(axes: Axes, grid: str = "") -> None:
    """Take away what is not data.

    Parameters
    ----------
    axes
        To tidy.
    grid
        The axis across which there are faint lines: "x", "y" or none.
    """
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL)
    axes.set_axisbelow(True)
    if grid == "x":
        axes.grid(axis="x", color="#cccccc", linewidth=0.6)
    elif grid == "y":
        axes.grid(axis="y", color="#cccccc", linewidth=0.6)


def bar_style(hatched: bool = False) -> dict[str, Any]:
    """How bars look.

    Parameters
    ----------
    hatched
        For bars of another kind, told apart in black and white as well.

    Returns
    -------
    dict
        Keywords of `Axes.bar`.
    """
    look = {"facecolor": PALE, "hatch": HATCH} if hatched else {"facecolor": FILL}
    return look | {"edgecolor": INK, "linewidth": 0.6}


def png(figure: Figure) -> bytes:
    """The figure as a PNG, the same bytes each time.

    Parameters
    ----------
    figure
        Drawn.

    Returns
    -------
    bytes
        Without names of software or times.
    """
    buffer = BytesIO()
    with warnings.catch_warnings():
        # A category in a script that the font lacks is drawn as boxes; the page's words still say it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def blurred(points: Floats, extent: Floats) -> Floats:
    """Points of customers, each moved a little at random.

    With two features a plane of components is but their picture turned: exact places would be exact values.

    Parameters
    ----------
    points
        float64, shape (n, 2).
    extent
        Width and height of what is shown of them.

    Returns
    -------
    ndarray
        The same each time.
    """
    # Seeded by the points themselves: the same each time, and nobody without them can draw it again.
    seed = int.from_bytes(sha256(np.ascontiguousarray(points).tobytes()).digest()[:8], "big")
    return points + np.random.default_rng(seed).normal(0, BLUR * extent, points.shape)


def words(text: str, longest: int = LONGEST_LABEL) -> str:
    """A name out of the data as a label: short, on one line, and never taken for a formula.

    Parameters
    ----------
    text
        As the data have it.
    longest
        Characters.

    Returns
    -------
    str
        For matplotlib.
    """
    line = " ".join(text.split())
    short = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return short.replace("$", r"\$")


def thousands() -> FuncFormatter:
    """Numbers on an axis with separators: 12,000.

    Returns
    -------
    FuncFormatter
        For an axis.
    """
    return FuncFormatter(lambda value, _: f"{value:,.10g}")


def few(count: int) -> str:
    """A number in words, unless it is too small to be told.

    Parameters
    ----------
    count
        Of customers, or of what may be theirs.

    Returns
    -------
    str
        With separators; "Fewer than 10" for 1 to 9.
    """
    return f"Fewer than {SMALLEST_GROUP}" if 0 < count < SMALLEST_GROUP else f"{count:,}"


def amount(value: float) -> str:
    """An amount of money in words: whole numbers from 100 up.

    Parameters
    ----------
    value
        In the shop's currency.

    Returns
    -------
    str
        With separators.
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


def percent(share: float) -> str:
    """A share in percent, with as many decimals as small ones need.

    Parameters
    ----------
    share
        0 to 1.

    Returns
    -------
    str
        Such as 12.3 %, 0.04 %; 0 % is none at all.
    """
    if share == 0:
        return "0 %"
    if share < 0.0001:
        return "<0.01 %"
    return f"{share * 100:.{1 if share >= 0.001 else 2}f} %"


def step_of(length: float, steps: Sequence[float], most: int) -> float:
    """The finest of some steps that gives few enough ticks.

    Parameters
    ----------
    length
        Of the axis.
    steps
        Ascending; beyond the last, its multiples.
    most
        Number of ticks.

    Returns
    -------
    float
        The step.
    """
    for step in steps:
        if length / step <= most:
            return step
    return steps[-1] * math.ceil(length / steps[-1] / most)
