"""Who is within reach of whom, compiled: DBSCAN's work in memory linear in the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from segmentation.scoring import Floats
from training.algorithms.found import NOISE, Ints
from training.pairwise import TILE, compiled


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """DBSCAN's clusters.

    Parameters
    ----------
    labels
        int64, shape (n,): clusters numbered by their first core; a row at the border of several belongs to the first;
        -1 is noise. These are scikit-learn's labels.
    core
        Which rows are cores, bool, shape (n,).
    """

    labels: Ints
    core: Any


def reached(space: Floats, eps: float, least: int) -> Reached:
    """Join all cores within reach of each other, and give the rows within reach of one to it.

    Parameters
    ----------
    space
        float64, shape (n, p).
    eps
        The reach, included.
    least
        Rows within reach, itself included, that make a row a core.

    Returns
    -------
    Reached
        Labels and cores.
    """
    # Along the widest dimension, so that only rows in a window can be within reach.
    widest = int(space.var(axis=0).argmax())
    order = np.argsort(space[:, widest], kind="stable")
    rows = np.ascontiguousarray(space[order])
    along = rows[:, widest]
    # Rounding must not shut out a row that is just within reach.
    slack = eps * (1 + 1e-9) + 1e-9 * float(np.abs(along).max(initial=0.0))
    first = np.searchsorted(along, along - slack, side="left")
    last = np.searchsorted(along, along + slack, side="right")
    core = _counts(np.ascontiguousarray(rows.T), eps, first, last) >= least
    roots = np.arange(len(rows))
    _join(rows, eps, last, core, roots)
    cores = np.flatnonzero(core)
    in_core = np.zeros(len(rows), dtype=np.bool_)
    in_core[order] = core
    root = np.full(len(rows), NOISE)
    root[order[cores]] = roots[cores]
    numbers = np.full(len(rows), NOISE, dtype=np.int64)
    _, begins, own = np.unique(root[in_core], return_index=True, return_inverse=True)
    numbers[in_core] = np.argsort(np.argsort(begins, kind="stable"), kind="stable")[own]
    placed = numbers[order]
    _borders(rows, eps, first, last, core, placed)
    labels = np.empty(len(rows), dtype=np.int64)
    labels[order] = placed
    return Reached(labels, in_core)


@compiled(nogil=True)
def _near(one: Any, other: Any, eps: float) -> bool:
    total = 0.0
    for t in range(len(one)):
        apart = one[t] - other[t]
        total += apart * apart
    return bool(np.sqrt(total) <= eps)


@compiled(parallel=True)
def _counts(columns: Any, eps: float, first: Any, last: Any) -> Any:
    p, n = columns.shape
    counts = np.zeros(n, np.int64)
    for i in numba.prange(n):
        squares = np.empty(TILE)
        count = 0
        for start in range(first[i], last[i], TILE):
            width = min(TILE, last[i] - start)
            # Coordinate by coordinate for many rows at once, which processors do fastest.
            squares[:] = 0.0
            for t in range(p):
                mine, theirs = columns[t, i], columns[t, start : start + width]
                for j in range(width):
                    apart = mine - theirs[j]
                    squares[j] += apart * apart
            for j in range(width):
                count += np.sqrt(squares[j]) <= eps
        counts[i] = count
    return counts


@compiled()
def _join(rows: Any, eps: float, last: Any, core: Any, roots: Any) -> None:
    for i in range(len(rows)):
        if not core[i]:
            continue
        mine = i
        while roots[mine] != mine:
            mine = roots[mine]
        for j in range(i + 1, last[i]):
            # Most are joined already: asked before the distance is.
            if not core[j] or roots[j] == mine:
                continue
            theirs = j
            while roots[theirs] != theirs:
                theirs = roots[theirs]
            roots[j] = theirs
            if theirs != mine and _near(rows[i], rows[j], eps):
                lower, upper = min(mine, theirs), max(mine, theirs)
                roots[upper] = lower
                mine = lower
                roots[j] = lower
                roots[i] = lower
    for i in range(len(rows)):
        root = i
        while roots[root] != root:
            root = roots[root]
        roots[i] = root


@compiled(parallel=True)
def _borders(rows: Any, eps: float, first: Any, last: Any, core: Any, numbers: Any) -> None:
    for i in numba.prange(len(rows)):
        if not core[i]:
            lowest = -1
            for j in range(first[i], last[i]):
                if core[j] and (lowest < 0 or numbers[j] < lowest) and _near(rows[i], rows[j], eps):
                    lowest = numbers[j]
            numbers[i] = lowest
