"""Pictures of the features: how they hang together, and the components that the model keeps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from segmentation.scoring import Floats
from training.report.drawing import (
    INK,
    NORMAL,
    SMALL,
    WIDTH,
    Picture,
    bar_style,
    new_figure,
    percent,
    png,
    tidy,
    words,
)
from training.report.space import Space

MOST_NUMBERS = 25
"""Features up to which each cell of a heat map bears its number."""

MOST_COMPONENTS = 10
CELL = 0.46
"""Inches."""

STRONG = 0.5
MINUS = "\N{MINUS SIGN}"


def draw_correlation(space: Space) -> Picture:
    """Spearman's correlation of the features.

    Parameters
    ----------
    space
        Of the features.

    Returns
    -------
    Picture
        A heat map with numbers.
    """
    size = len(space.names)
    figure = new_figure(max(3.2, 2.4 + CELL * 0.75 * size), width=max(6.0, 3.2 + CELL * size))
    below = np.where(np.tri(size, dtype=np.bool_), space.correlation, np.nan)
    _heat_map(figure, below, space.names, space.names, "rank correlation (Spearman)")
    pairs = [(row, column) for row in range(size) for column in range(row)]
    pairs.sort(key=lambda pair: -abs(space.correlation[pair]))
    strong = sum(abs(space.correlation[pair]) >= STRONG for pair in pairs)
    told = "; ".join(
        f"{space.names[row]} and {space.names[column]} ({_number(space.correlation[row, column])})"
        for row, column in pairs[:3]
    )
    says = (
        f"{strong} of {len(pairs)} pairs of features correlate by {STRONG:g} or more, in either direction. "
        f"The strongest: {told}."
    )
    return Picture(
        "correlation",
        "Correlation of the features",
        f"The lower half of a {size} by {size} heat map, each cell with its correlation from -1 to 1.",
        says + _sampled(space),
        png(figure),
    )


def draw_variance(space: Space) -> Picture:
    """The share of variance that each principal component explains.

    Parameters
    ----------
    space
        Of the features.

    Returns
    -------
    Picture
        Bars, and their running sum as a line.
    """
    figure = new_figure(3.8)
    axes = figure.add_subplot()
    tidy(axes, grid="y")
    places = np.arange(1, len(space.variance) + 1)
    total = np.cumsum(space.variance) * 100
    for place, share in zip(places, space.variance * 100, strict=True):
        kept = space.kept is None or place <= space.kept
        style = bar_style(hatched=not kept)
        label = {1: "kept by the model", (space.kept or 0) + 1: "not kept"}.get(int(place))
        axes.bar(place, share, 0.75, label=label, **style)
    axes.plot(places, total, color=INK, marker="o", markersize=4, linewidth=1.4, label="running sum")
    if space.variance_kept is not None and space.variance_kept < 1:
        label = f"{space.variance_kept * 100:g} % asked for"
        axes.axhline(space.variance_kept * 100, color=INK, linestyle="--", linewidth=1.0, label=label)
    axes.set_xticks(places)
    axes.set_ylim(0, 105)
    axes.set_xlabel("principal component", fontsize=NORMAL)
    axes.set_ylabel("variance explained (%)", fontsize=NORMAL)
    axes.legend(fontsize=SMALL, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    says = f"The first component explains {percent(space.variance[0])} of the variance of {len(space.names)} features"
    if len(space.variance) > 1:
        says += f", the first two {percent(total[1] / 100)}"
    if space.kept is not None:
        says += f"; the model keeps {space.kept} components with {percent(total[space.kept - 1] / 100)}"
    return Picture(
        "explained-variance",
        "Variance explained by principal components",
        "Bars that fall from left to right, and a line that rises to 100 %.",
        f"{says}.{_sampled(space)}",
        png(figure),
    )


def draw_loadings(space: Space) -> Picture:
    """Which features the principal components are made of.

    Parameters
    ----------
    space
        Of the features.

    Returns
    -------
    Picture
        A heat map with numbers.
    """
    shown = min(space.kept or len(space.variance), MOST_COMPONENTS)
    size = len(space.names)
    heads = tuple(f"{place + 1}\n{share * 100:.0f} %" for place, share in enumerate(space.variance[:shown]))
    figure = new_figure(max(3.4, 2.0 + CELL * 0.75 * size), width=max(6.0, min(WIDTH, 4.2 + 0.6 * shown)))
    _heat_map(figure, space.loadings[:, :shown], space.names, heads, "loading (correlation)")
    figure.axes[0].set_xlabel("principal component, and the share of variance that it explains", fontsize=NORMAL)
    parts = []
    for component in range(min(3, shown)):
        column = space.loadings[:, component]
        strongest = np.argsort(-np.abs(column), kind="stable")[:3]
        parts.append(
            f"component {component + 1}: "
            + ", ".join(f"{space.names[place]} ({_number(column[place])})" for place in strongest)
        )
    return Picture(
        "loadings",
        "What the principal components are made of",
        f"A heat map of {size} features by {shown} components, each cell with a loading from -1 to 1.",
        f"The strongest loadings of {'; of '.join(parts)}.{_sampled(space)}",
        png(figure),
    )


def _heat_map(figure: Figure, values: Floats, rows: tuple[str, ...], columns: tuple[str, ...], label: str) -> None:
    axes = figure.add_subplot()
    # Pale in the middle, darker to both sides; the numbers tell the sides apart in black and white.
    image = axes.imshow(values, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        colour = image.to_rgba(np.array([value]))[0]
        text = _number(value) if max(values.shape) <= MOST_NUMBERS else _sign(value)
        axes.text(column, row, text, ha="center", va="center", fontsize=SMALL, color=_legible_on(colour))
    upright = all("\n" in name for name in columns)
    axes.set_xticks(range(len(columns)), [name if upright else words(name) for name in columns])
    axes.set_yticks(range(len(rows)), [words(name) for name in rows])
    axes.tick_params(labelsize=SMALL, length=0)
    if not upright:
        for tick in axes.get_xticklabels():
            tick.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


def _legible_on(colour: Sequence[float]) -> str:
    """White or ink, whichever has more contrast (relative luminance of WCAG 2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "white" if luminance < 0.18 else INK


def _sign(value: float) -> str:
    """All that many cells have room for: the sign of those that matter."""
    if abs(value) < STRONG:
        return ""
    return "+" if value > 0 else MINUS


def _number(value: float) -> str:
    """Two decimals, a real minus, and no minus before zero."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", MINUS)


def _sampled(space: Space) -> str:
    if space.customers == space.of:
        return ""
    return f" Computed on a random sample of {space.customers:,} of {space.of:,} customers."
