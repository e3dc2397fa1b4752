"""A division as a picture: a sample of the customers in the plane, coloured by cluster, with the centroids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from scipy.optimize import linear_sum_assignment

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training.agreement import Ints, jaccard, overlap
from training.colours import OKABE_ITO
from training.comparison.plane import Axis, Plane
from training.naming import LONGEST
from training.report import drawing
from training.report.drawing import MARKERS

POINTS = 3_000
"""Customers drawn, at most."""

MARK_WIDTH = 0.034
"""Of the picture's width and height."""

TAIL, MARGIN = 0.005, 0.06
"""Quantiles within which customers are surely in the picture, and the room around them."""

PUSHES = 200

SHOWN = 12
"""Clusters with a line of their own in the legend; there are no more colours that can be told apart."""

FURTHER = ("#8c564b", "#7f5fb5", "#5f7f2f", "#b5485d", "#3f7f8f", "#a08a3c")
"""Colours after those of Okabe and Ito, whose yellow is pale on white and comes last; black is for text."""

YELLOW, BLACK = "#f0e442", "#000000"
COLOURS = (*(colour for colour in OKABE_ITO if colour not in (YELLOW, BLACK)), *FURTHER, YELLOW)
GREY, NOISE_GREY = "#8a8a8a", "#b9b9b9"

Look = tuple[str, str]
"""A colour and a shape."""


@dataclass(frozen=True, slots=True)
class Group:
    """Customers drawn in one colour.

    Parameters
    ----------
    members
        Which, bool, shape (n,).
    name, colour
        In the legend.
    mark
        On its centroid and in the legend; empty where it is no cluster.
    marker
        Of matplotlib: groups are told apart in black and white too.
    """

    members: npt.NDArray[np.bool_]
    name: str
    colour: str
    mark: str
    marker: str


def groups(
    labels: Ints,
    colours: Sequence[str],
    *,
    likeness: Ints | None = None,
    ids: Sequence[int] = (),
    names: Sequence[str] = (),
) -> list[Group]:
    """What is drawn: clusters by size, those of fewer than 10 customers and the many last ones together, and noise.

    Parameters
    ----------
    labels
        int64, shape (n,): 0 upwards without gaps; -1 is noise.
    colours
        Of the model's segments, in their order.
    likeness
        The model's own labels: a cluster gets the colour of the segment that it is most like; None: it is the model.
    ids, names
        Of the model's segments, where it is the model; other clusters are numbered from 1 by size.

    Returns
    -------
    list of Group
        None of fewer than 10 customers.
    """
    sizes = np.bincount(labels[labels >= 0])
    order = [int(c) for c in np.argsort(-sizes, kind="stable") if sizes[c] >= SMALLEST_GROUP]
    if likeness is None:
        looks, order = _looks(range(len(colours)), colours), sorted(order)
    else:
        looks = _alike(labels, likeness, order[:SHOWN], colours)
    shares = [drawing.percent(size / len(labels)) for size in sizes]
    drawn = [
        Group(
            labels == cluster,
            f"{drawing.words(names[cluster], LONGEST) if likeness is None else 'cluster'}, {shares[cluster]}",
            looks[cluster][0],
            str(ids[cluster] if likeness is None else number),
            looks[cluster][1],
        )
        for number, cluster in enumerate(order[:SHOWN], start=1)
    ]
    rest = np.isin(labels, order[SHOWN:])
    small = (labels >= 0) & np.isin(labels, np.flatnonzero(sizes < SMALLEST_GROUP))
    noise = labels < 0
    for members, name, colour, marker in (
        (rest, f"{_more(len(order) - SHOWN)}, {drawing.percent(float(rest.mean()))}", GREY, "|"),
        (small, f"clusters under {SMALLEST_GROUP}, together", GREY, "+"),
        (noise, f"noise, {drawing.percent(float(noise.mean()))}", NOISE_GREY, "x"),
    ):
        if members.sum() >= SMALLEST_GROUP:
            drawn.append(Group(members, name, colour, "", marker))
    return drawn


def scatter(title: str, space: Floats, plane: Plane, drawn: Sequence[Group], seed: int) -> bytes:
    """Draw a division.

    Parameters
    ----------
    title
        Above it.
    space
        float64, shape (n, p).
    plane
        In which to draw.
    drawn
        From `groups`.
    seed
        Of the sample, which is the same for every division of the same customers.

    Returns
    -------
    bytes
        A PNG without ids; its axes bear no values.
    """
    figure = drawing.new_figure(5.6, width=10.0)
    axes = figure.add_subplot()
    rng = np.random.default_rng(seed)
    sampled = np.sort(rng.permutation(len(space))[:POINTS])
    places = plane.of(space[sampled])
    if not plane.axes[1].variance:
        # One dimension only: spread across at random, so that points can be seen.
        places[:, 1] = rng.uniform(-1, 1, len(places)) * (places[:, 0].std() or 1.0)
    places = drawing.blurred(places, np.ptp(np.quantile(places, (TAIL, 1 - TAIL), axis=0), axis=0))
    size = 22 if len(sampled) < 600 else 9
    # The largest first: the small ones stay to be seen.
    for group in sorted(drawn, key=lambda group: (group.mark != "", -int(group.members.sum()))):
        inside = group.members[sampled]
        axes.scatter(places[inside, 0], places[inside, 1], s=size if group.mark else size * 0.7, color=group.colour,
                     marker=group.marker, edgecolors="white" if group.mark else None,
                     linewidths=0.2 if group.mark else 0.7,
                     alpha=0.75 if group.mark else 0.6)  # fmt: skip
    _mark(axes, plane, space, [group for group in drawn if group.mark], places)
    for group in drawn:
        axes.scatter([], [], s=45, color=group.colour, marker=group.marker,
                     label=f"{group.mark}  {group.name}" if group.mark else group.name)  # fmt: skip
    figure.suptitle(title, fontsize=drawing.NORMAL + 2, x=0.01, ha="left")
    drawn_of = f"{len(space):,} customers clustered, {len(sampled):,} drawn; shares are of those clustered"
    axes.set_title(drawn_of, fontsize=drawing.SMALL, loc="left")
    axes.set_xlabel(_label(plane.axes[0]), fontsize=drawing.SMALL)
    axes.set_ylabel(_label(plane.axes[1]), fontsize=drawing.SMALL)
    # Whoever lies farthest out is not in the picture: their place would be a largest or smallest value.
    (left, bottom), (right, top) = np.quantile(places, (TAIL, 1 - TAIL), axis=0)
    axes.set_xlim(left - MARGIN * (right - left), right + MARGIN * (right - left))
    axes.set_ylim(bottom - MARGIN * (top - bottom), top + MARGIN * (top - bottom))
    axes.set_xticks([])
    axes.set_yticks([])
    drawing.tidy(axes)
    if drawn:
        figure.legend(loc="outside right upper", fontsize=drawing.SMALL, frameon=False, borderaxespad=0.6)
    return drawing.png(figure)


def _mark(axes: Axes, plane: Plane, space: Floats, clusters: Sequence[Group], places: Floats) -> None:
    """Numbers on the centroids; where these are too near each other, beside them."""
    if not clusters:
        return
    centroids = plane.of(np.array([space[group.members].mean(axis=0) for group in clusters]))
    if not plane.axes[1].variance:
        centroids[:, 1] = 0.0
    extent = np.ptp(places, axis=0)
    extent = np.where(extent > 0, extent, 1.0)
    shown = _apart(centroids / extent) * extent
    for group, centroid, place in zip(clusters, centroids, shown, strict=True):
        axes.plot(*zip(centroid, place, strict=True), color=drawing.INK, linewidth=1, zorder=3)
        axes.scatter(centroid[0], centroid[1], s=14, color=drawing.INK, zorder=3)
        axes.scatter(place[0], place[1], s=190, color="white", edgecolors=drawing.INK, linewidths=1.4, zorder=4)
        axes.annotate(group.mark, place, ha="center", va="center_baseline", fontsize=drawing.SMALL,
                      fontweight="bold", color=drawing.INK, zorder=5)  # fmt: skip


def _apart(places: Floats) -> Floats:
    """Places pushed from each other until none are within a mark's width, or it has been tried often enough."""
    places = places.copy()
    for _ in range(PUSHES):
        pushed = False
        for one in range(len(places)):
            for other in range(one + 1, len(places)):
                between = places[other] - places[one]
                distance = float(np.hypot(*between))
                if distance < MARK_WIDTH:
                    # Marks in one place part sideways, each pair in a direction of its own.
                    angle = 2.4 * (one + other)
                    way = between / distance if distance > 0 else np.array([np.cos(angle), np.sin(angle)])
                    step = way * (MARK_WIDTH - distance) / 2 * 1.05
                    places[one] -= step
                    places[other] += step
                    pushed = True
        if not pushed:
            break
    return places


def _more(count: int) -> str:
    return f"{count:,} more cluster{'s' if count > 1 else ''}"


def _looks(positions: Iterable[int], colours: Sequence[str]) -> dict[int, Look]:
    """Colours and shapes of the model's segments, as its report has them."""
    return {position: (colours[position], MARKERS[position % len(MARKERS)]) for position in positions}


def _alike(labels: Ints, likeness: Ints, clusters: Sequence[int], colours: Sequence[str]) -> dict[int, Look]:
    """Each cluster looks like the segment it shares most customers with, one to one; others have looks left."""
    inside = labels >= 0
    k, segments = int(labels.max(initial=-1)) + 1, int(likeness.max()) + 1
    table = overlap(labels[inside], likeness[inside], k, segments)
    alike = jaccard(table)[list(clusters)]
    segments_looks = _looks(range(len(colours)), colours)
    found = {
        clusters[row]: segments_looks[int(column)]
        for row, column in zip(*linear_sum_assignment(alike, maximize=True), strict=True)
        if alike[row, column] > 0
    }
    colours_used = {colour for colour, _ in found.values()}
    shades = iter([colour for colour in COLOURS if colour not in colours_used])
    shapes = [marker for marker in MARKERS if marker not in {marker for _, marker in found.values()}]
    looks: dict[int, Look] = {}
    for cluster in clusters:
        colour, marker = found.get(cluster) or (next(shades, GREY), "")
        # Of more than a dozen segments some share a shape; no more than a dozen clusters are drawn, and none do.
        if not marker or marker in {marker for _, marker in looks.values()}:
            marker = shapes.pop(0)
        looks[cluster] = colour, marker
    return looks


def _label(axis: Axis) -> str:
    if not axis.variance:
        return "no second dimension: spread at random"
    named = ", ".join(f"{'more' if value > 0 else 'less'} {name.replace('_', ' ')}" for name, value in axis.loadings)
    return f"{axis.variance:.0%} of variance" + (f": {named}" if named else "")
