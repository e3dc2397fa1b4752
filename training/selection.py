"""The choice of k: which number of segments is real, can be told apart, and comes out again."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import hypot

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from threadpoolctl import threadpool_limits

from segmentation.errors import UnusableDataError
from segmentation.evidence import Candidate, Selection
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training.agreement import adjusted_rand_index, overlap
from training.sections import Refitting, SelectionLimits
from training.silhouette import silhouette
from training.stability import refits
from training.unstructured import Unstructured, unstructured

SAME = 0.9
"""ARI from which on two segments are the division into customers who came back and customers who did not."""

CLEAR = 3.0
"""Standard errors by which a silhouette must exceed that of customers without structure."""

REFIT_ROWS = 4_000
"""Customers that refits see at most while k is chosen: there are many of them, and agreement hardly changes beyond."""

REFIT_RESTARTS = 4

REPEAT = "it only splits off those who came back, which needs no model"

RULE = "the best silhouette among those without objection; of those within a standard error of it, the fewest segments"


def choose_k(
    space: Floats,
    limits: SelectionLimits,
    refitting: Refitting,
    *,
    n_init: int,
    seed: int,
    repeat: npt.NDArray[np.bool_] | None = None,
) -> Selection:
    """Choose the number of segments by separation, stability and size.

    Every k is fitted and measured on the same customers. It is objected to where a segment is too small, where one
    holds nearly everybody, where two segments only part those who came back from those who did not, where a segment
    dissolves in refits, or where customers without structure would be divided as well. Of the others the one with the
    best silhouette is chosen; of those within a standard error of it, the one with the fewest segments.

    Parameters
    ----------
    space
        Customers in the scoring space, float64, shape (n, p).
    limits
        Range of k, and what is objected to.
    refitting
        How the chosen one will be refitted; each k is two fifths as often, on at most 4,000 customers.
    n_init
        Restarts of KMeans.
    seed
        Of every random choice.
    repeat
        Who came back, bool, shape (n,); None where that is not known.

    Returns
    -------
    Selection
        The evidence for every k tried, and the k chosen. Where all are objected to, these are no natural segments, and
        k is the least objectionable number to divide the customers by.

    Raises
    ------
    UnusableDataError
        The customers are too few, or too much alike.

    References
    ----------
    Rousseeuw (1987) for the silhouette; Davies and Bouldin (1979), "A cluster separation measure"; Calinski and
    Harabasz (1974), "A dendrite method for cluster analysis"; Hennig (2007), "Cluster-wise assessment of cluster
    stability"; Tibshirani, Walther, Hastie (2001) for the comparison with customers without structure.
    """
    rng = np.random.default_rng(seed)
    if len(space) > limits.rows:
        drawn = np.sort(rng.choice(len(space), limits.rows, replace=False))
        space, repeat = space[drawn], None if repeat is None else repeat[drawn]
    different = len(np.unique(space, axis=0))
    most = min(limits.most, different, len(space) // SMALLEST_GROUP)
    if most < limits.least:
        raise UnusableDataError(
            f"{len(space):,} customers, {different:,} of them different, are too few to choose a number of segments by",
            hint="set clustering.k, raise selection.rows, or give more data",
        )

    def look(k: int) -> Candidate:
        with threadpool_limits(limits=1):
            return _look(space, k, limits, refitting, n_init, seed, repeat)

    tried = _beside(look, list(range(limits.least, most + 1)))
    return _decide(tuple(tried), len(space))


def _beside(look: Callable[[int], Candidate], numbers: list[int]) -> list[Candidate]:
    """Each k has one thread, so that its sums add up in one order; the largest begin, as they take longest."""
    with threadpool_limits(limits=1), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(look, numbers[::-1]))[::-1]


def _look(
    space: Floats,
    k: int,
    limits: SelectionLimits,
    refitting: Refitting,
    n_init: int,
    seed: int,
    repeat: npt.NDArray[np.bool_] | None,
) -> Candidate:
    fitted = KMeans(k, n_init=n_init, random_state=seed).fit(space)
    labels = fitted.labels_.astype(np.int64)
    estimate = silhouette(space, labels, exact_up_to=len(space))
    shares = np.bincount(labels, minlength=k) / len(labels)
    even = unstructured(space, k, seed)
    candidate = Candidate(
        k=k,
        silhouette=estimate.value,
        silhouette_standard_error=estimate.spread / len(space) ** 0.5,
        unstructured=even.silhouette,
        davies_bouldin=float(davies_bouldin_score(space, labels)),
        calinski_harabasz=float(calinski_harabasz_score(space, labels)),
        inertia=float(fitted.inertia_),
        smallest_share=float(shares.min()) if shares.min() * len(labels) >= SMALLEST_GROUP else None,
        largest_share=float(shares.max()),
        refits=refits(
            space,
            fitted.cluster_centers_,
            times=max(2, 2 * refitting.times // 5),
            rows=min(refitting.rows, REFIT_ROWS),
            restarts=REFIT_RESTARTS,
            seed=seed,
        ),
        objection="",
    )
    return replace(candidate, objection=_objection(candidate, even, labels, limits, repeat))


def _objection(
    candidate: Candidate,
    even: Unstructured,
    labels: npt.NDArray[np.int64],
    limits: SelectionLimits,
    repeat: npt.NDArray[np.bool_] | None,
) -> str:
    if candidate.k == 2 and repeat is not None:
        table = overlap(labels, repeat.astype(np.int64), 2, 2)
        if adjusted_rand_index(table) >= SAME:
            return REPEAT
    if candidate.largest_share > limits.largest_share:
        return f"one segment holds {candidate.largest_share:.0%} of the customers"
    if candidate.smallest_share is None:
        return f"a segment holds fewer than {SMALLEST_GROUP} customers"
    if candidate.smallest_share < limits.smallest_share:
        return f"a segment holds {candidate.smallest_share:.2%} of the customers"
    if candidate.silhouette < even.silhouette + CLEAR * hypot(
        even.standard_deviation, candidate.silhouette_standard_error
    ):
        return "customers without structure are divided as well"
    weakest = min(candidate.refits.stability)
    if weakest < limits.stability:
        return f"a segment dissolves in refits (Jaccard {weakest:.2f})"
    return ""


def _decide(candidates: tuple[Candidate, ...], rows: int) -> Selection:
    fit = [candidate for candidate in candidates if not candidate.objection]
    if not fit:
        # Whoever has to divide customers without segments does so where refits agree most, and a model may be made.
        makeable = [candidate for candidate in candidates if candidate.smallest_share is not None] or candidates
        k = max(makeable, key=lambda each: (each.objection != REPEAT, each.refits.bootstrap_ari)).k
        why = "no natural segments: there is an objection to every number; this one comes out most alike in refits"
        return Selection(rows=rows, candidates=candidates, k=k, natural=False, why=why)
    best = max(fit, key=lambda each: each.silhouette)
    near = best.silhouette - best.silhouette_standard_error
    chosen = next(each for each in fit if each.silhouette >= near)
    return Selection(rows=rows, candidates=candidates, k=chosen.k, natural=True, why=RULE)
