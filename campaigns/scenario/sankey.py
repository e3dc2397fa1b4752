"""Ribbons between segments: who goes from where to where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from campaigns.pictures import FAINT, INK, NORMAL, SMALL, amount, words
from campaigns.scenario.results import Flow, Result
from campaigns.scenario.told import spoken

GAP, NODE, LEFT, RIGHT = 0.035, 0.018, 0.0, 1.0
"""In shares of height and width: between nodes; their width; where they stand."""

LABELLED = 0.04
"""Share of all who move that a ribbon needs for its number to find room."""


def sankey(axes: Axes, result: Result, flows: Sequence[Flow]) -> None:
    """Draw the segments today on the left, afterwards on the right, and ribbons as wide as customers move.

    Parameters
    ----------
    axes
        Without axis lines.
    result
        Simulated.
    flows
        Those between different segments, at least one, all above 0.
    """
    total = sum(flow.customers.mean for flow in flows)
    order = [segment.id for segment in result.segments]
    colour = {segment.id: segment.colour for segment in result.segments}
    sides: dict[str, dict[int, float]] = {"left": {}, "right": {}}
    bottom = 1.0
    for side, end in (("left", "origin"), ("right", "destination")):
        sums = {id_: sum(flow.customers.mean for flow in flows if getattr(flow, end) == id_) for id_ in order}
        present = [id_ for id_ in order if sums[id_] > 0]
        top = 1.0 + GAP * (len(order) - len(present)) / 2
        for id_ in present:
            sides[side][id_] = top
            x = LEFT - NODE if side == "left" else RIGHT
            axes.add_patch(
                Rectangle((x, top - sums[id_] / total), NODE, sums[id_] / total, facecolor=colour[id_], edgecolor=INK)
            )
            segment = next(segment for segment in result.segments if segment.id == id_)
            told = segment.leaving if side == "left" else segment.arriving
            says = "leaving" if side == "left" else "arriving"
            at = top - sums[id_] / total / 2
            axes.text(
                x - 0.015 if side == "left" else x + NODE + 0.015, at,
                f"{segment.id} {words(segment.name, 45)}\n{says}: {spoken(told)}",
                ha="right" if side == "left" else "left", va="center", fontsize=SMALL, color=INK,
            )  # fmt: skip
            # Labels of two lines need their room, however thin a node is.
            top -= max(sums[id_] / total, 0.035) + GAP
            bottom = min(bottom, top)
    start, end_at = dict(sides["left"]), dict(sides["right"])
    for flow in sorted(flows, key=lambda flow: (order.index(flow.origin), order.index(flow.destination))):
        width = flow.customers.mean / total
        _ribbon(axes, start[flow.origin], end_at[flow.destination], width, colour[flow.origin])
        if width >= LABELLED:
            y = 0.75 * start[flow.origin] + 0.25 * end_at[flow.destination] - width / 2
            axes.text(0.3, y, amount(flow.customers.mean), ha="center", va="center", fontsize=SMALL, color=INK,
                      bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1})  # fmt: skip
        start[flow.origin] -= width
        end_at[flow.destination] -= width
    heading = max(max(tops.values()) for tops in sides.values()) + 0.07
    axes.text(LEFT, heading, "today", ha="center", fontsize=NORMAL, weight="bold")
    axes.text(RIGHT, heading, "afterwards", ha="center", fontsize=NORMAL, weight="bold")
    axes.set_xlim(-0.95, 1.95)
    axes.set_ylim(bottom, heading + 0.06)


def _ribbon(axes: Axes, left: float, right: float, width: float, colour: str) -> None:
    points = [
        (LEFT, left), (0.5, left), (0.5, right), (RIGHT, right),
        (RIGHT, right - width), (0.5, right - width), (0.5, left - width), (LEFT, left - width), (LEFT, left),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(
        PathPatch(Path(np.array(points), codes), facecolor=colour, edgecolor=FAINT, alpha=0.55, linewidth=0.5)
    )
