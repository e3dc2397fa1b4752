"""Agglomerative clustering: Ward's, complete, average and single linkage, and Ward's of weighted sub-clusters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

import numpy as np
from sklearn.cluster import AgglomerativeClustering, MiniBatchKMeans
from sklearn.neighbors import kneighbors_graph

from segmentation.scoring import Floats
from training.algorithms.catalogue import SUB_CLUSTERS
from training.algorithms.declared import Value
from training.algorithms.found import Found, Ints, Tree, by_vote, to_centroids, without_gaps


def linkage(kind: str) -> Callable[[Floats, int, Mapping[str, Value], int], Found]:
    """A linkage as a clusterer.

    Parameters
    ----------
    kind
        ward, complete, average or single.

    Returns
    -------
    callable
        Of rows (n, p), k, parameters (metric, connectivity) and a seed, which is not used.

    References
    ----------
    Lance and Williams (1967), "A general theory of classificatory sorting strategies"; Ward (1963), "Hierarchical
    grouping to optimize an objective function".
    """

    def cluster(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
        metric, neighbours = parameters.get("metric", "euclidean"), parameters.get("connectivity")
        graph = None
        if isinstance(neighbours, int):
            near = kneighbors_graph(space, min(neighbours, len(space) - 1), include_self=False)
            graph = near.maximum(near.T)
        with warnings.catch_warnings():
            # It joins the parts itself, by their nearest rows; the note says so.
            warnings.filterwarnings("ignore", message="the number of connected components")
            fitted = AgglomerativeClustering(
                k, metric=metric, linkage=kind, connectivity=graph, compute_distances=True, compute_full_tree=True
            ).fit(space)
        labels = without_gaps(fitted.labels_)
        extend = by_vote(space, labels, 1) if kind == "single" else to_centroids(space, labels)
        used = {name: value for name, value in parameters.items() if value is not None}
        parts = () if graph is None else ("parts of the neighbour graph that hang apart are joined by nearest rows",)
        return Found(labels, extend, used, parts, _tree(fitted.children_, fitted.distances_, np.ones(len(space))))

    return cluster


def ward_of_sub_clusters(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """Ward's method from many small clusters on, each weighing as many rows as it has.

    Parameters
    ----------
    space
        float64, shape (n, p).
    k
        Clusters wanted.
    parameters
        Connectivity has no meaning between sub-clusters; a note says so where it is asked for.
    seed
        Of the sub-clusters.

    Returns
    -------
    Found
        Every row has the label of its sub-cluster.
    """
    parts = min(SUB_CLUSTERS, max(k, len(space) // 5))
    fitted = MiniBatchKMeans(
        parts, n_init=1, batch_size=max(4_096, 2 * parts), max_iter=20, random_state=seed, reassignment_ratio=0.0
    ).fit(space)
    own = without_gaps(fitted.predict(space))
    sizes = np.bincount(own).astype(np.float64)
    centroids = np.column_stack([np.bincount(own, weights=column) for column in space.T]) / sizes[:, np.newaxis]
    children, heights = ward_tree(centroids, sizes)
    joined = _cut(children, len(sizes), k)
    labels = without_gaps(joined[own])
    ignored = ("connectivity is not used where sub-clusters are joined",) if parameters["connectivity"] else ()
    return Found(
        labels,
        to_centroids(space, labels),
        {"sub_clusters": len(sizes)},
        ignored,
        tree=_tree(children, heights, sizes),
    )


def ward_tree(centroids: Floats, sizes: Floats) -> tuple[Ints, Floats]:
    """The tree of Ward's method over weighted points, by chains of nearest neighbours.

    Parameters
    ----------
    centroids
        float64, shape (m, p).
    sizes
        Rows that each stands for, float64, shape (m,).

    Returns
    -------
    children, heights
        int64, shape (m - 1, 2), points 0 to m-1 and merges from m on; float64, shape (m - 1,), ascending, in the
        measure of scipy's `ward`: for points of weight 1 the distance.

    References
    ----------
    Murtagh (1983), "A survey of recent advances in hierarchical clustering algorithms", for the chains.
    """
    m = len(centroids)
    squares = np.square(centroids).sum(axis=1)
    apart = np.maximum(squares[:, np.newaxis] + squares - 2 * centroids @ centroids.T, 0)
    # What a merge adds to the sum of squares, doubled, so that for two single rows it is their squared distance.
    cost = apart * 2 * np.outer(sizes, sizes) / np.add.outer(sizes, sizes)
    np.fill_diagonal(cost, np.inf)
    weights, alive = sizes.copy(), np.ones(m, dtype=np.bool_)
    merged: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while len(merged) < m - 1:
        if not chain:
            chain.append(int(np.flatnonzero(alive)[0]))
        last = chain[-1]
        near = int(cost[last].argmin())
        if len(chain) > 1 and cost[last, near] >= cost[last, chain[-2]]:
            one, other = sorted((last, chain[-2]))
            del chain[-2:]
            height = cost[one, other]
            merged.append((float(height), one, other))
            total = weights[one] + weights[other] + weights
            row = ((weights[one] + weights) * cost[one] + (weights[other] + weights) * cost[other]
                   - weights * height) / total  # fmt: skip
            alive[other] = False
            row[~alive] = np.inf
            row[one] = np.inf
            cost[one], cost[:, one] = row, row
            cost[other], cost[:, other] = np.inf, np.inf
            weights[one] += weights[other]
        else:
            chain.append(near)
    return _in_order(merged, m)


def _in_order(merged: list[tuple[float, int, int]], m: int) -> tuple[Ints, Floats]:
    """Merges by height, naming what they join by the number of its own merge."""
    merged.sort(key=lambda merge: merge[0])
    name = np.arange(m)
    top = np.arange(m)

    def find(point: int) -> int:
        while top[point] != point:
            top[point] = top[top[point]]
            point = int(top[point])
        return point

    children = np.empty((m - 1, 2), dtype=np.int64)
    for number, (_, one, other) in enumerate(merged):
        first, second = find(one), find(other)
        children[number] = sorted((name[first], name[second]))
        top[second] = first
        name[first] = m + number
    return children, np.sqrt([height for height, _, _ in merged])


def _cut(children: Ints, m: int, k: int) -> Ints:
    """The cluster of each of m points where the last k - 1 merges are undone."""
    group = np.arange(m + len(children))
    # A merge's parent comes after it, so parents are settled first.
    for number in range(len(children) - k, -1, -1):
        group[children[number]] = group[m + number]
    return group[:m]


def _tree(children: Ints, heights: Floats, sizes: Floats) -> Tree:
    m = len(sizes)
    under = np.concatenate([sizes, np.zeros(len(children))])
    for number, (one, other) in enumerate(children):
        under[m + number] = under[one] + under[other]
    return Tree(np.column_stack([children, heights, under[m:]]).astype(np.float64), sizes)
