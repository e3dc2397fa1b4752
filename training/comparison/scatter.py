"""A division as a picture: a sample of the customers in the plane, coloured by cluster, with the centroids."""

from __future__ import annotations

from collections.abc import Sequence
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
from training.report import drawing

POINTS = 3_000
"""Customers drawn, at most."""

SHOWN = 12
"""Clusters with a line of their own in the legend; there are no more colours that can be told apart."""

FURTHER = ("#8c564b", "#7f5fb5", "#5f7f2f", "#b5485d", "#3f7f8f", "#a08a3c")
"""Colours after those of Okabe and Ito; black is for text."""

COLOURS = (*(colour for colour in OKABE_ITO if colour != "#000000"), *FURTHER)
GREY, NOISE_GREY = "#8a8a8a", "#b9b9b9"


@dataclass(frozen=True, slots=True)
class Group:
    """Customers drawn in one colour.

    Parameters
    ----------
    members
        Which, bool, shape (n,).
    name, colour
        In the legend.
    number
        On its centroid; 0 where it has none.
    marker
        Of matplotlib: what is not a cluster is told apart in black and white too.
    """

    members: npt.NDArray[np.bool_]
    name: str
    colour: str
    number: int
    marker: str = "o"


def groups(labels: Ints, names: Sequence[str], colours: Sequence[str], likeness: Ints | None = None) -> list[Group]:
    """What is drawn: clusters by size, those of fewer than 10 customers and the many last ones together, and noise.

    Parameters
    ----------
    labels
        int64, shape (n,): 0 upwards without gaps; -1 is noise.
    names
        Of the clusters; empty where they have none.
    colours
        Of the model's segments, in their order.
    likeness
        The model's own labels: a cluster gets the colour of the segment that it is most like; None: it is the model.

    Returns
    -------
    list of Group
        None of fewer than 10 customers.
    """
    sizes = np.bincount(labels[labels >= 0])
    order = [int(c) for c in np.argsort(-sizes, kind="stable") if sizes[c] >= SMALLEST_GROUP]
    if likeness is None:
        palette, order = dict(enumerate(colours)), sorted(order)
    else:
        palette = _alike(labels, likeness, order[:SHOWN], colours)
    drawn = [
        Group(
            labels == cluster,
            f"{drawing.words(names[cluster]) if names else 'cluster'}, {drawing.percent(sizes[cluster] / len(labels))}",
            palette[cluster],
            number,
        )
        for number, cluster in enumerate(order[:SHOWN], start=1)
    ]
    rest = np.isin(labels, order[SHOWN:])
    small = (labels >= 0) & np.isin(labels, np.flatnonzero(sizes < SMALLEST_GROUP))
    noise = labels < 0
    for members, name, colour, marker in (
        (rest, f"{len(order) - SHOWN:,} more clusters, {drawing.percent(float(rest.mean()))}", GREY, "s"),
        (small, f"clusters under {SMALLEST_GROUP}, together", GREY, "+"),
        (noise, f"noise, {drawing.percent(float(noise.mean()))}", NOISE_GREY, "x"),
    ):
        if members.sum() >= SMALLEST_GROUP:
            drawn.append(Group(members, name, colour, 0, marker))
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
    size = 22 if len(sampled) < 600 else 9
    # The largest first: the small ones stay to be seen.
    for group in sorted(drawn, key=lambda group: (group.number != 0, -int(group.members.sum()))):
        inside = group.members[sampled]
        axes.scatter(places[inside, 0], places[inside, 1], s=size if group.number else size * 0.7, color=group.colour,
                     marker=group.marker, linewidths=0 if group.number else 0.7,
                     alpha=0.75 if group.number else 0.6)  # fmt: skip
    for group in drawn:
        if group.number:
            _mark(axes, plane, space[group.members].mean(axis=0), group)
        axes.scatter([], [], s=45, color=group.colour, marker=group.marker,
                     label=f"{group.number}  {group.name}" if group.number else group.name)  # fmt: skip
    axes.set_title(title, fontsize=drawing.NORMAL + 2, loc="left")
    axes.set_xlabel(_label(plane.axes[0]), fontsize=drawing.SMALL)
    axes.set_ylabel(_label(plane.axes[1]), fontsize=drawing.SMALL)
    axes.set_xticks([])
    axes.set_yticks([])
    drawing.tidy(axes)
    if drawn:
        figure.legend(loc="outside right upper", fontsize=drawing.SMALL, frameon=False, borderaxespad=0.6)
    return drawing.png(figure)


def _mark(axes: Axes, plane: Plane, centroid: Floats, group: Group) -> None:
    x, y = plane.of(centroid[np.newaxis])[0]
    if not plane.axes[1].variance:
        y = 0.0
    axes.scatter([x], [y], s=190, color="white", edgecolors=drawing.INK, linewidths=1.4, zorder=4)
    axes.annotate(str(group.number), (x, y), ha="center", va="center_baseline", fontsize=drawing.SMALL,
                  fontweight="bold", color=drawing.INK, zorder=5)  # fmt: skip


def _alike(labels: Ints, likeness: Ints, clusters: Sequence[int], colours: Sequence[str]) -> dict[int, str]:
    """Each cluster in the colour of the segment it shares most customers with, one to one; others in colours left."""
    inside = labels >= 0
    k, segments = int(labels.max(initial=-1)) + 1, int(likeness.max()) + 1
    table = overlap(labels[inside], likeness[inside], k, segments)
    alike = jaccard(table)[list(clusters)]
    found = {
        clusters[row]: colours[column]
        for row, column in zip(*linear_sum_assignment(alike, maximize=True), strict=True)
        if alike[row, column] > 0
    }
    free = iter([colour for colour in COLOURS if colour not in found.values()])
    return {cluster: found.get(cluster) or next(free, GREY) for cluster in clusters}


def _label(axis: Axis) -> str:
    if not axis.variance:
        return "no second dimension: spread at random"
    named = ", ".join(f"{'more' if value > 0 else 'less'} {name.replace('_', ' ')}" for name, value in axis.loadings)
    return f"{axis.variance:.0%} of variance" + (f": {named}" if named else "")
