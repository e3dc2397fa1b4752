"""The upper part of a linkage's tree as a picture: what was joined last, and how far apart it was."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.axes import Axes

from segmentation.privacy import SMALLEST_GROUP
from training.algorithms.found import Tree
from training.report import drawing

LEAVES = 24


@dataclass(slots=True)
class _Branch:
    """A part of the tree: customers under it, the height of its last merge, and what it was merged of."""

    node: int
    rows: float
    height: float
    parts: list[_Branch] = field(default_factory=list)
    x: float = 0.0


def dendrogram(title: str, tree: Tree, k: int) -> bytes:
    """Draw the last merges of a tree.

    Branches of fewer than 10 customers are not drawn.

    Parameters
    ----------
    title
        Above it.
    tree
        Of a linkage, its leaves in customers.
    k
        Clusters that the tree was cut into.

    Returns
    -------
    bytes
        A PNG.
    """
    merges, rows = tree.merges, float(tree.leaves.sum())
    root = _grown(tree, k)
    figure = drawing.new_figure(4.4, width=10.0)
    axes = figure.add_subplot()
    leaves = _leaves(root)
    for number, leaf in enumerate(leaves):
        leaf.x = float(number)
    _draw(axes, root)
    # Between the last merge that was undone and the next.
    cut = float(merges[-k:, 2][:2].mean()) if 2 <= k <= len(merges) else 0.0
    axes.axhline(cut, color=drawing.INK, linestyle="--", linewidth=1)
    axes.annotate(f"cut into {k}", (1.0, cut), xycoords=("axes fraction", "data"), xytext=(4, 0),
                  textcoords="offset points", va="center", fontsize=drawing.SMALL, annotation_clip=False)  # fmt: skip
    axes.set_xticks(range(len(leaves)), [drawing.percent(leaf.rows / rows) for leaf in leaves], rotation=60, ha="right")
    axes.set_xlabel("share of customers; branches of fewer than 10, and what was joined below, are not drawn",
                    fontsize=drawing.SMALL)  # fmt: skip
    axes.set_ylabel("height of the merge", fontsize=drawing.SMALL)
    axes.set_ylim(bottom=0)
    axes.set_xlim(-0.7, len(leaves) - 0.3)
    axes.set_title(title, fontsize=drawing.NORMAL + 2, loc="left")
    drawing.tidy(axes, grid="y")
    return drawing.png(figure)


def _grown(tree: Tree, k: int) -> _Branch:
    """The tree from its top down, the highest merge opened first."""
    m = len(tree.leaves)
    root = _branch(tree, 2 * m - 2)
    open_to_grow = [root]
    leaves = 1
    while open_to_grow and leaves < max(LEAVES, k):
        highest = max(open_to_grow, key=lambda branch: branch.height)
        open_to_grow.remove(highest)
        while highest.node >= m:
            parts = [_branch(tree, int(node)) for node in tree.merges[highest.node - m, :2]]
            large = [part for part in parts if part.rows >= SMALLEST_GROUP]
            if len(large) == 2:
                highest.parts = sorted(large, key=lambda part: -part.rows)
                open_to_grow += large
                leaves += 1
                break
            if not large:
                break
            # A few customers joined it here: that step is passed over.
            highest.node, highest.height = large[0].node, large[0].height
    return root


def _branch(tree: Tree, node: int) -> _Branch:
    m = len(tree.leaves)
    if node < m:
        return _Branch(node, float(tree.leaves[node]), 0.0)
    return _Branch(node, float(tree.merges[node - m, 3]), float(tree.merges[node - m, 2]))


def _leaves(branch: _Branch) -> list[_Branch]:
    if not branch.parts:
        return [branch]
    return [leaf for part in branch.parts for leaf in _leaves(part)]


def _draw(axes: Axes, branch: _Branch) -> float:
    if not branch.parts:
        return branch.x
    across = [_draw(axes, part) for part in branch.parts]
    for x, part in zip(across, branch.parts, strict=True):
        axes.plot([x, x], [part.height if part.parts else 0.0, branch.height], color=drawing.FILL, linewidth=1.6)
    axes.plot(across, [branch.height] * 2, color=drawing.FILL, linewidth=1.6)
    branch.x = sum(across) / 2
    return branch.x
