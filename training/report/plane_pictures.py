"""Pictures of customers in a plane, and of how well each fits its segment."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from segmentation.card import Metrics
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from segmentation.segment import Segment
from training.colours import dark
from training.naming import LONGEST
from training.report.drawing import INK, MARKERS, NORMAL, SMALL, Picture, blurred, new_figure, percent, png, tidy, words
from training.report.planes import Components, Ints, Neighbours, Plane

LEFT, RIGHT = "\N{LEFTWARDS ARROW}", "\N{RIGHTWARDS ARROW}"
GAP = " " * 12
NO_VALUES = "No point bears an id, and the axes bear no value: nobody can be read off."


def draw_components(found: Components, segments: Sequence[Segment], features: Sequence[str], of: int) -> Picture:
    """Customers along the two directions in which they differ most.

    Parameters
    ----------
    found
        The plane.
    segments
        Of the model, in the order of the centroids.
    features
        Names, in the order of the loadings.
    of
        Customers clustered.

    Returns
    -------
    Picture
        A scatter plot with centroids.
    """
    figure = new_figure(6.6)
    axes = figure.add_subplot()
    outside = _scatter(axes, _blurred(found.plane), segments)
    for side, set_label in ((0, axes.set_xlabel), (1, axes.set_ylabel)):
        set_label(_axis(side, found, features), fontsize=NORMAL)
    _legend(figure, segments)
    told = "; ".join(
        f"component {side + 1} explains {percent(share)} of the variance and goes with "
        f"{_main(found.loadings[:, side], features)}"
        for side, share in enumerate(found.variance)
    )
    beyond = (
        "the model looks at nothing else"
        if found.dimensions == len(found.variance)
        else "segments that overlap here may well lie apart in the other components"
    )
    return Picture(
        "pca",
        "Customers in the plane of the first two principal components",
        f"A scatter plot of {len(found.plane.points):,} customers in {len(segments)} colours and shapes; "
        "a numbered circle marks the centroid of each segment.",
        f"Shown are {len(found.plane.points):,} of {of:,} customers, from each segment by its share{outside}. "
        f"{told[0].upper()}{told[1:]}. Together they are {percent(float(found.variance.sum()))}: {beyond}. "
        f"Each point is moved a little at random. {NO_VALUES}",
        png(figure),
    )


def draw_neighbours(found: Neighbours, segments: Sequence[Segment], of: int) -> Picture:
    """Customers brought to a plane by t-SNE.

    Parameters
    ----------
    found
        The plane.
    segments, of
        As for `draw_components`.

    Returns
    -------
    Picture
        A scatter plot.
    """
    figure = new_figure(6.6)
    axes = figure.add_subplot()
    outside = _scatter(axes, found.plane, segments)
    _legend(figure, segments)
    return Picture(
        "tsne",
        "Customers by their neighbourhoods (t-SNE)",
        f"A scatter plot of {len(found.plane.points):,} customers in {len(segments)} colours and shapes; "
        "a numbered circle marks the middle of each segment.",
        f"{len(found.plane.points):,} of {of:,} customers{outside}; perplexity {found.perplexity:g}, "
        f"seed {found.seed}, started from the principal components. Customers who are near each other here are alike. "
        "Distances between islands, their sizes and the axes mean little: another seed or perplexity draws them "
        "elsewhere. "
        f"{NO_VALUES}",
        png(figure),
    )


def draw_silhouettes(values: Floats, labels: Ints, segments: Sequence[Segment], metrics: Metrics, of: int) -> Picture:
    """How well each customer fits the segment.

    Parameters
    ----------
    values, labels
        Silhouettes and positions of segments, shape (m,) each.
    segments, of
        As for `draw_components`.
    metrics
        Of the model.

    Returns
    -------
    Picture
        Sorted bars, one band for each segment.
    """
    figure = new_figure(max(4.2, 1.4 + 0.72 * len(segments)))
    axes = figure.add_subplot()
    tidy(axes, grid="x")
    # Each band is as high as the segment's share of customers, but never too thin to be seen.
    heights = np.maximum([segment.customers for segment in segments], 0.05 * of)
    gap, top = 0.02 * float(heights.sum()), 0.0
    ticks, names = [], []
    for position, segment in enumerate(segments):
        band = np.sort(values[labels == position])[::-1]
        height = float(heights[position])
        edges = top + np.linspace(0, height, len(band) + 1)
        axes.stairs(
            band, edges, orientation="horizontal", fill=True, facecolor=segment.colour, edgecolor=INK, linewidth=0.5
        )
        axes.plot([segment.silhouette] * 2, [top, top + height], color=INK, linewidth=1.6, solid_capstyle="butt")
        ticks.append(top + height / 2)
        names.append(f"{segment.id}  {words(segment.name, LONGEST)}: {segment.silhouette:.2f}")
        top += height + gap
    axes.axvline(metrics.silhouette, color=INK, linestyle="--", linewidth=1.2)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_ylim(top, -gap)
    axes.set_xlim(min(-0.1, float(np.quantile(values, 0.005)) - 0.03), max(0.8, float(values.max()) + 0.03))
    axes.set_yticks(ticks, names, fontsize=SMALL)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("silhouette: 1 fits its segment, 0 lies between two, below 0 is nearer to another", fontsize=NORMAL)
    handles = [
        Line2D([], [], color=INK, linestyle="--", linewidth=1.2, label=f"mean of all, {metrics.silhouette:.3f}"),
        Line2D([], [], color=INK, linewidth=1.6, label="mean of the segment"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2, fontsize=SMALL, frameon=False)
    best, worst = (choose(segments, key=lambda each: each.silhouette) for choose in (max, min))
    below = [values[labels == position] < 0 for position in range(len(segments))]
    most = int(np.argmax([part.mean() for part in below]))
    said = f"Fewer than {SMALLEST_GROUP} of those shown in any segment are nearer to another."
    if below[most].sum() >= SMALLEST_GROUP:
        share = percent(float(below[most].mean()))
        said = f"“{segments[most].name}” has most who are nearer to another segment: {share} of those shown."
    return Picture(
        "silhouettes",
        "How well customers fit their segment: the silhouette of each",
        f"{len(segments)} bands of sorted horizontal bars, one for each segment; the overall mean is a dashed line.",
        f"{len(values):,} of {of:,} customers, from each segment by its share, each measured against all. "
        f"“{best.name}” is the most compact "
        f"({best.silhouette:.2f}), “{worst.name}” the least ({worst.silhouette:.2f}). "
        f"{said}",
        png(figure),
    )


def _blurred(plane: Plane) -> Plane:
    low, high = plane.limits.T
    return replace(plane, points=blurred(plane.points, high - low))


def _scatter(axes: Axes, plane: Plane, segments: Sequence[Segment]) -> str:
    size = float(np.clip(18_000 / len(plane.points), 9, 42))
    for position, segment in enumerate(segments):
        x, y = plane.points[plane.labels == position].T
        style: dict[str, Any] = {
            "marker": MARKERS[position % len(MARKERS)],
            "facecolors": segment.colour,
            "edgecolors": "white",
        }
        axes.scatter(x, y, s=size, linewidths=0.25, alpha=0.75, **style)
    for segment, (x, y) in zip(segments, plane.centres, strict=True):
        letters = "white" if dark(segment.colour) else "black"
        axes.scatter(x, y, s=330, marker="o", facecolors=segment.colour, edgecolors="white", linewidths=2.6, zorder=4)
        axes.scatter(x, y, s=330, marker="o", facecolors="none", edgecolors=INK, linewidths=1.0, zorder=5)
        axes.text(
            x, y, str(segment.id), color=letters, fontsize=NORMAL, weight="bold", ha="center", va="center", zorder=6
        )
    (left, right), (bottom, top) = plane.limits
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#999999")
    x, y = plane.points.T
    outside = float(((x < left) | (x > right) | (y < bottom) | (y > top)).mean())
    if outside * len(plane.points) < SMALLEST_GROUP:
        return "; a few may lie outside the frame" if outside else ""
    return f"; {percent(outside)} of them lie outside the frame"


def _legend(figure: Figure, segments: Sequence[Segment]) -> None:
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=MARKERS[position % len(MARKERS)],
            markersize=8,
            markerfacecolor=segment.colour,
            markeredgecolor=INK,
            markeredgewidth=0.6,
            label=f"{segment.id}  {words(segment.name, LONGEST)}",
        )
        for position, segment in enumerate(segments)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=NORMAL, frameon=False)


def _axis(side: int, found: Components, features: Sequence[str]) -> str:
    up, down = (_ends(sign * found.loadings[:, side], features) for sign in (1, -1))
    name = f"component {side + 1}: {percent(float(found.variance[side]))} of the variance"
    start = f"{LEFT} {down}" if down else ""
    end = f"{up} {RIGHT}" if up else ""
    return f"{start}{GAP if start and end else ''}{end}\n{name}"


def _ends(loadings: Floats, features: Sequence[str]) -> str:
    strong = [int(place) for place in np.argsort(-loadings, kind="stable")[:2] if loadings[place] >= 0.4]
    return ", ".join(words(features[place].replace("_", " ")) for place in strong)


def _main(loadings: Floats, features: Sequence[str]) -> str:
    strong = np.argsort(-np.abs(loadings), kind="stable")[:3]
    return ", ".join(f"{features[place].replace('_', ' ')} ({loadings[place]:+.2f})" for place in strong)
