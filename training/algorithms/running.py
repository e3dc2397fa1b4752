"""One door to every clusterer: rows in, labels out, with what they are worth knowing by."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from segmentation.scoring import Floats
from training.algorithms import centroids, density
from training.algorithms.declared import Algorithm, Form, Value
from training.algorithms.found import Found, Ints, Tree, without_gaps
from training.algorithms.linkage import linkage, ward_of_sub_clusters
from training.algorithms.planning import Budget, plan
from training.algorithms.spectral import spectral

Solver = Callable[[Floats, int, Mapping[str, Value], int], Found]
"""Rows float64 (n, p), the number of clusters, parameters, a seed."""

SOLVERS: Mapping[str, Solver] = {
    "k-means": centroids.k_means,
    "mini-batch-k-means": centroids.mini_batch_k_means,
    "bisecting-k-means": centroids.bisecting_k_means,
    "spectral": spectral,
    "dbscan": density.dbscan,
    "hdbscan": density.hdbscan,
    "optics": density.optics,
    "ward": linkage("ward"),
    "complete-linkage": linkage("complete"),
    "average-linkage": linkage("average"),
    "single-linkage": linkage("single"),
    "gaussian-mixture": centroids.gaussian_mixture,
    "birch": centroids.birch,
    "mean-shift": centroids.mean_shift,
    "affinity-propagation": centroids.affinity_propagation,
}


@dataclass(frozen=True, slots=True, eq=False)
class Labelling:
    """What an algorithm says of the rows.

    Parameters
    ----------
    algorithm
        Which one.
    labels
        int64, shape (n,): 0 upwards without gaps, -1 is noise; None where it was refused.
    form
        How the labels came about; None where it was refused.
    rows
        On how many rows it ran.
    parameters
        With the values chosen from the data.
    notes
        What a reader of the labels should know.
    refusal
        Why there are no labels; empty where there are.
    megabytes
        The memory that was foreseen.
    ran_on
        Which rows the sample was, bool, shape (n,); None where there was none.
    tree
        Of a linkage.
    """

    algorithm: Algorithm
    labels: Ints | None
    form: Form | None
    rows: int
    parameters: Mapping[str, Value]
    notes: tuple[str, ...]
    refusal: str
    megabytes: float
    ran_on: npt.NDArray[np.bool_] | None
    tree: Tree | None

    @property
    def extended(self) -> bool:
        """Whether the labels of most rows are those of a sample, extended."""
        return self.form == "sample"


def run(
    algorithm: Algorithm,
    space: Floats,
    k: int,
    *,
    parameters: Mapping[str, Value] | None = None,
    budget: Budget | None = None,
    seed: int = 0,
) -> Labelling:
    """Cluster rows in the most exact form that the budget allows.

    Parameters
    ----------
    algorithm
        Which one.
    space
        Customers in the scoring space, float64, shape (n, p).
    k
        Clusters, for those that are told how many.
    parameters
        What is set of its parameters.
    budget
        What it may take.
    seed
        Of samples and starts.

    Returns
    -------
    Labelling
        Labels, or why there are none.

    Raises
    ------
    ConfigurationError
        A parameter is unknown or out of range.
    """
    complete = algorithm.checked(parameters or {})
    n, p = space.shape
    planned = plan(algorithm, n, p, k, budget or Budget())
    if planned.form is None:
        return Labelling(algorithm, None, None, 0, {}, (), planned.refusal, planned.megabytes, None, None)
    if complete.get("metric") == "cosine" and not space.any(axis=1).all():
        refusal = "cosine distances need a direction, and some customers are at the origin: take another metric"
        return Labelling(algorithm, None, None, 0, {}, (), refusal, planned.megabytes, None, None)
    drawn = None
    # One thread: sums in another order would be other numbers.
    with threadpool_limits(limits=1), _unsettled() as unsettled:
        if planned.form == "sample":
            drawn = np.zeros(n, dtype=np.bool_)
            drawn[np.random.default_rng(seed).choice(n, planned.rows, replace=False)] = True
        rows = space if drawn is None else space[drawn]
        solver = ward_of_sub_clusters if planned.form == "sub-clusters" else SOLVERS[algorithm.name]
        found = solver(rows, k, complete, seed)
        labels = found.labels if drawn is None else _extended(found, space, drawn)
    return Labelling(
        algorithm=algorithm,
        labels=labels,
        form=planned.form,
        rows=planned.rows,
        parameters=found.used,
        notes=(*found.notes, *unsettled),
        refusal="",
        megabytes=planned.megabytes,
        ran_on=drawn,
        tree=found.tree,
    )


def _extended(found: Found, space: Floats, drawn: npt.NDArray[np.bool_]) -> Ints:
    labels = np.empty(len(space), dtype=np.int64)
    labels[drawn] = found.labels
    if not drawn.all():
        labels[~drawn] = found.extend(space[~drawn])
    return without_gaps(labels)


@contextmanager
def _unsettled() -> Iterator[list[str]]:
    """What the clusterers within say of not having converged, in a sentence each; other warnings are passed on."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        yield said
    for each in caught:
        if not issubclass(each.category, ConvergenceWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        elif (sentence := str(each.message).partition(". ")[0].rstrip(".")) not in said:
            said.append(sentence)
