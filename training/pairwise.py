"""Sums of distances from each row to each cluster, compiled: the silhouette's work, billions of them a second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TILE = 1024
"""Rows of a tile: its coordinates and sums stay in the fastest cache; single precision adds up 1,024 terms at most."""

STRIPS = 16
"""Parts of the work, each with sums of its own, added up in their order: the same bits whatever the threads."""


_ALONE = threading.Lock()
"""A kernel takes all processors; two at once would gain nothing, and numba's plainest threads cannot do it."""


def compiled(**options: Any) -> Callable[[Any], Any]:
    """A decorator that compiles a function when it is first called, and keeps what was compiled where it can.

    Parameters
    ----------
    options
        Of `numba.njit`.

    Returns
    -------
    callable
        The decorator.
    """

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:
            # Nowhere to keep what was compiled, as on a read-only disk: it is compiled in each run.
            return numba.njit(**options)(function)

    return decorate


class Tiles:
    """Rows sorted by cluster and cut into tiles of one cluster each, in single precision around their mean.

    Parameters
    ----------
    rows
        float64, shape (n, p).
    labels
        0 to k-1, int64, shape (n,).
    """

    def __init__(self, rows: Floats, labels: Ints) -> None:
        self.sizes = np.bincount(labels)
        self.order = np.argsort(labels, kind="stable")
        self.mean = rows.mean(axis=0)
        ends = np.cumsum(self.sizes)
        starts = ends - self.sizes
        cut = [(at, min(at + TILE, end), cluster) for cluster, (start, end) in enumerate(zip(starts, ends, strict=True))
               for at in range(start, end, TILE)]  # fmt: skip
        self.starts, self.ends, self.clusters = (np.array(part, dtype=np.int64) for part in zip(*cut, strict=True))
        self.coordinates = np.zeros((len(cut), rows.shape[1], TILE), dtype=np.float32)
        for tile, (start, end, _) in enumerate(cut):
            self.coordinates[tile, :, : end - start] = (rows[self.order[start:end]] - self.mean).T


def all_sums(tiles: Tiles) -> Floats:
    """Sums of distances from every row to each cluster; each distance is computed once.

    Parameters
    ----------
    tiles
        n rows in k clusters.

    Returns
    -------
    ndarray
        float64, shape (n, k), in the order of the rows given.
    """
    n, k = len(tiles.order), len(tiles.sizes)
    parts = np.zeros((STRIPS, n, k))
    with _ALONE:
        _all(tiles.coordinates, tiles.starts, tiles.ends, tiles.clusters, parts)
    sums = np.empty((n, k))
    sums[tiles.order] = parts.sum(axis=0)
    return sums


def sums_of(queries: Floats, tiles: Tiles) -> Floats:
    """Sums of distances from some rows to each cluster.

    Parameters
    ----------
    queries
        float64, shape (m, p).
    tiles
        All rows.

    Returns
    -------
    ndarray
        float64, shape (m, k).
    """
    sums = np.zeros((len(queries), len(tiles.sizes)))
    centred = np.ascontiguousarray(queries - tiles.mean, dtype=np.float32)
    with _ALONE:
        _some(centred, tiles.coordinates, tiles.starts, tiles.ends, tiles.clusters, sums)
    return sums


# Nothing here is left to the compiler's choice of order (no fastmath, each sum spelt out): a kernel that is compiled
# and one that was kept are optimised differently, and so are those for other processors, and all must give the same
# bits.
@compiled(nogil=True)
def _row(x: Any, tile: Any, width: int, squares: Any, columns: Any) -> Any:  # noqa: C901 - a loop for each number left
    """Add a row's distances to a tile to the tile's sums; gives their own sum."""
    d = x.shape[0]
    # Four coordinates at once: the squares are read and written for every fourth only.
    before = (d - 1) // 4 * 4
    if before == 0:
        squares[:width] = 0
    for t in range(0, before, 4):
        x0, x1, x2, x3 = x[t], x[t + 1], x[t + 2], x[t + 3]
        c0, c1, c2, c3 = tile[t], tile[t + 1], tile[t + 2], tile[t + 3]
        if t == 0:
            for j in range(width):
                a0, a1, a2, a3 = x0 - c0[j], x1 - c1[j], x2 - c2[j], x3 - c3[j]
                squares[j] = (a0 * a0 + a1 * a1) + (a2 * a2 + a3 * a3)
        else:
            for j in range(width):
                a0, a1, a2, a3 = x0 - c0[j], x1 - c1[j], x2 - c2[j], x3 - c3[j]
                squares[j] += (a0 * a0 + a1 * a1) + (a2 * a2 + a3 * a3)
    left = d - before
    y0, k0 = x[before], tile[before]
    if left == 1:
        for j in range(width):
            a0 = y0 - k0[j]
            squares[j] = np.sqrt(squares[j] + a0 * a0)
    elif left == 2:
        y1, k1 = x[before + 1], tile[before + 1]
        for j in range(width):
            a0, a1 = y0 - k0[j], y1 - k1[j]
            squares[j] = np.sqrt(squares[j] + (a0 * a0 + a1 * a1))
    elif left == 3:
        y1, k1, y2, k2 = x[before + 1], tile[before + 1], x[before + 2], tile[before + 2]
        for j in range(width):
            a0, a1, a2 = y0 - k0[j], y1 - k1[j], y2 - k2[j]
            squares[j] = np.sqrt(squares[j] + (a0 * a0 + a1 * a1) + a2 * a2)
    else:
        y1, k1, y2, k2 = x[before + 1], tile[before + 1], x[before + 2], tile[before + 2]
        y3, k3 = x[before + 3], tile[before + 3]
        for j in range(width):
            a0, a1, a2, a3 = y0 - k0[j], y1 - k1[j], y2 - k2[j], y3 - k3[j]
            squares[j] = np.sqrt(squares[j] + ((a0 * a0 + a1 * a1) + (a2 * a2 + a3 * a3)))
    for j in range(width):
        columns[j] += squares[j]
    return _quartered(squares, width)


@compiled(nogil=True)
def _quartered(terms: Any, width: int) -> Any:
    """The sum, quarter upon quarter again and again: an order that many lanes can keep. The terms are lost."""
    span = 8
    while span < width:
        span *= 2
    for j in range(width, span):
        terms[j] = 0
    while span > 16:
        span //= 4
        for j in range(span):
            terms[j] = (terms[j] + terms[j + span]) + (terms[j + 2 * span] + terms[j + 3 * span])
    total = np.float32(0)
    for j in range(span):
        total += terms[j]
    return total


@compiled(parallel=True)
def _all(coordinates: Any, starts: Any, ends: Any, clusters: Any, parts: Any) -> None:
    tiles, d = coordinates.shape[0], coordinates.shape[1]
    for strip in numba.prange(parts.shape[0]):
        sums = parts[strip]
        squares, columns = np.empty(TILE, np.float32), np.empty(TILE, np.float32)
        x = np.empty(d, np.float32)
        # Rows of tiles that are long and short take turns, so that strips are of one size.
        for turn in range((tiles + parts.shape[0] - 1) // parts.shape[0]):
            within = strip if turn % 2 == 0 else parts.shape[0] - 1 - strip
            a = np.int64(turn * parts.shape[0] + within)
            if a < tiles:
                for b in range(a, tiles):
                    width = ends[b] - starts[b]
                    columns[:] = 0
                    for i in range(ends[a] - starts[a]):
                        for t in range(d):
                            x[t] = coordinates[a, t, i]
                        sums[starts[a] + i, clusters[b]] += _row(x, coordinates[b], width, squares, columns)
                    if a != b:
                        for j in range(width):
                            sums[starts[b] + j, clusters[a]] += columns[j]


@compiled(parallel=True)
def _some(queries: Any, coordinates: Any, starts: Any, ends: Any, clusters: Any, sums: Any) -> None:
    for q in numba.prange(queries.shape[0]):
        squares, columns = np.empty(TILE, np.float32), np.zeros(TILE, np.float32)
        for b in range(coordinates.shape[0]):
            sums[q, clusters[b]] += _row(queries[q], coordinates[b], ends[b] - starts[b], squares, columns)
