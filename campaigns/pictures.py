"""What the room's pictures share: a figure without global state, plain axes, numbers in words, and the PNG of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

DOTS_PER_INCH = 110
WIDTH = 9.0
"""Inches; the height is the picture's own."""

SMALL, NORMAL = 9, 10
"""Points."""

INK, FILL, PALE, FAINT = "#1a1a1a", "#5b86ad", "#d7e1ea", "#cccccc"
"""Text and lines; bars; bars of another kind, which are hatched as well; lines that only guide the eye."""

HATCH = "////"
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


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure that makes room for its labels.

    Parameters
    ----------
    height, width
        Inches.

    Returns
    -------
    Figure
        On Agg, unknown to pyplot.
    """
    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def foot(figure: Figure, text: str) -> None:
    """A line below the picture, for what it must not be shown without.

    Parameters
    ----------
    figure
        With everything else drawn.
    text
        One line or more.
    """
    figure.supxlabel(text, fontsize=SMALL, color=INK)


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
        axes.grid(axis="x", color=FAINT, linewidth=0.6)
    elif grid == "y":
        axes.grid(axis="y", color=FAINT, linewidth=0.6)


def bar_style(*, hatched: bool = False) -> dict[str, Any]:
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


def interval_style() -> dict[str, Any]:
    """How intervals look: a line with caps, and a dot where the estimate is.

    Returns
    -------
    dict
        Keywords of `Axes.errorbar`.
    """
    return {"fmt": "o", "color": INK, "ecolor": INK, "elinewidth": 1.4, "capsize": 4, "markersize": 5}


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
        # A name in a script that the font lacks is drawn as boxes; the page's words still say it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def words(text: str, longest: int = LONGEST_LABEL) -> str:
    """A name as a label: short, on one line, and never taken for a formula.

    Parameters
    ----------
    text
        As somebody wrote it.
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


def percents() -> FuncFormatter:
    """Shares on an axis in percent: 0.25 as 25 %.

    Returns
    -------
    FuncFormatter
        For an axis.
    """
    return FuncFormatter(lambda value, _: f"{value * 100:.6g} %")


def amount(value: float) -> str:
    """A number in words: whole from 100 up, three digits that count below.

    Parameters
    ----------
    value
        Of money, or a mean count.

    Returns
    -------
    str
        With separators.
    """
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """A share in percent, with three digits that count.

    Parameters
    ----------
    share
        0 to 1; beyond where it is no share of a whole.

    Returns
    -------
    str
        Such as 12.3 %, 0.042 %.
    """
    return f"{share * 100:,.0f} %" if abs(share) >= 1 else f"{share * 100:.3g} %"
