"""Spectral clustering on a sparse graph of nearest neighbours, its eigenvectors by lobpcg."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lobpcg
from scipy.spatial import KDTree
from sklearn.cluster import KMeans

from segmentation.scoring import Floats
from training.algorithms.declared import Value
from training.algorithms.found import Found, by_vote, without_gaps

FEWEST_NEIGHBOURS = 10
VOTERS = 5
STEPS = 150
"""Of the eigensolver, at most."""

TOLERANCE = 1e-4
"""Of residuals of eigenvalues, all of which are at most 1."""

DENSE = 400
"""Rows up to which all eigenvectors are computed at once."""

GUARD = 4
"""Vectors iterated beside those wanted: these converge the sooner."""


def spectral(space: Floats, k: int, parameters: Mapping[str, Value], seed: int) -> Found:
    """Normalised spectral clustering.

    Parameters
    ----------
    space
        float64, shape (n, p).
    k
        Clusters wanted.
    parameters
        neighbours.
    seed
        Of the first vectors and of KMeans in their space.

    Returns
    -------
    Found
        Labels; a note where the graph falls apart, or the eigenvectors did not converge.

    References
    ----------
    Ng, Jordan, Weiss (2001), "On spectral clustering: analysis and an algorithm"; Knyazev (2001), "Toward the optimal
    preconditioned eigensolver".
    """
    n = len(space)
    given = parameters["neighbours"]
    wanted = max(FEWEST_NEIGHBOURS, int(np.ceil(np.log2(n)))) if not isinstance(given, int) else given
    wanted = min(wanted, n - 1)
    graph = neighbour_graph(space, wanted)
    notes = []
    pieces = connected_components(graph, directed=False, return_labels=False)
    if pieces > 1:
        notes.append(f"the graph of neighbours falls into {pieces:,} pieces, which come before any finer division")
    vectors, converged = _eigenvectors(graph, k, seed)
    if not converged:
        notes.append(f"eigenvectors had not converged after {STEPS} steps")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, 1)
    labels = without_gaps(KMeans(k, n_init=10, random_state=seed).fit(vectors).labels_)
    return Found(labels, by_vote(space, labels, VOTERS), {"neighbours": wanted}, tuple(notes))


def neighbour_graph(space: Floats, neighbours: int) -> csr_array:
    """Which rows are among the nearest of which, in either direction.

    Parameters
    ----------
    space
        float64, shape (n, p).
    neighbours
        Of each row, itself not counted.

    Returns
    -------
    csr_array
        Symmetric, ones, shape (n, n).
    """
    n = len(space)
    near = KDTree(space).query(space, k=neighbours + 1, workers=-1)[1]
    rows = np.repeat(np.arange(n), neighbours + 1)
    columns = near.ravel()
    # Among rows in one place a row need not be the nearest to itself.
    other = rows != columns
    graph = csr_array((np.ones(other.sum()), (rows[other], columns[other])), shape=(n, n))
    return csr_array(graph.maximum(graph.T))


def _eigenvectors(graph: csr_array, k: int, seed: int) -> tuple[Floats, bool]:
    """The k first eigenvectors of the normalised graph, shape (n, k), and whether they converged."""
    n = graph.shape[0]
    degrees = np.asarray(graph.sum(axis=1), dtype=np.float64).ravel()
    scale = diags_array(1 / np.sqrt(degrees))
    normalised = (scale @ graph @ scale).tocsr()
    if n <= max(DENSE, 6 * (k + GUARD)):
        return _signed(eigh(normalised.toarray(), subset_by_index=(n - k, n - 1))[1][:, ::-1]), True
    start = np.random.default_rng(seed).normal(size=(n, k + GUARD))
    # Known beforehand: the eigenvector of a graph in one piece.
    start[:, 0] = np.sqrt(degrees)
    with warnings.catch_warnings():
        # Guard vectors need not converge; whether the wanted ones did is told by what is given back.
        warnings.simplefilter("ignore", UserWarning)
        values, vectors = lobpcg(normalised, start, largest=True, tol=TOLERANCE, maxiter=STEPS)
    wanted = vectors[:, :k]
    residuals = np.linalg.norm(normalised @ wanted - wanted * values[:k], axis=0)
    return _signed(wanted), bool((residuals <= 10 * TOLERANCE).all())


def _signed(vectors: Floats) -> Floats:
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    return np.asarray(vectors * signs, dtype=np.float64)
