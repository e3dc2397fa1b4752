"""Configuration to a scikit-learn Pipeline, and the fitted Pipeline folded into arrays.

The Pipeline holds classes of scikit-learn and functions of numpy only: any tool can load it without this project.
"""

from collections.abc import Sequence
from io import BytesIO

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from segmentation.kmeans import kmeans
from segmentation.recipe import Clustering, Entry, Preprocessing, Winsorise
from segmentation.scoring import Arrays, Floats


def prepare(customers: pd.DataFrame, entries: Sequence[Entry], preprocessing: Preprocessing) -> Pipeline:
    """Fit what comes before the clustering: winsorise, log1p, StandardScaler, PCA.

    Parameters
    ----------
    customers
        One row per customer, float64, columns named as `entries` and in their order.
    entries
        How each feature enters.
    preprocessing
        See there.

    Returns
    -------
    Pipeline
        Fitted; `transform` brings customers into the space in which distances are measured.
    """
    # Reductions over several threads add in another order, and so give other last bits.
    with threadpool_limits(limits=1):
        return Pipeline(steps(customers, entries, preprocessing)).fit(customers)


def cluster(
    prepared: Pipeline,
    space: Floats,
    k: int,
    clustering: Clustering,
    seed: int,
    start: npt.NDArray[np.int64] | None = None,
) -> Pipeline:
    """Fit KMeans and put it at the end of the pipeline.

    Segments are ordered by size, the largest first, so that their numbers do not depend on KMeans' start. What KMeans
    remembers of the training customers (their labels) is removed.

    Parameters
    ----------
    prepared
        From `prepare`.
    space
        The customers in its space, float64, shape (n, p).
    k
        Number of segments.
    clustering
        Restarts.
    seed
        `random_state` of KMeans.
    start
        A division of the customers that KMeans begins from as well, such as the live model's: 0 to k-1 or -1 for who
        is in none, int64, shape (n,). None, or another number of groups: there is none.

    Returns
    -------
    Pipeline
        Fitted; `predict` gives positions 0 to k-1.
    """
    means = None
    if start is not None and np.array_equal(np.unique(start[start >= 0]), np.arange(k)):
        means = np.array([space[start == group].mean(axis=0) for group in range(k)])
    fitted = kmeans(space, k, n_init=clustering.n_init, restart_rows=clustering.restart_rows, seed=seed, start=means)
    order = np.argsort(-np.bincount(fitted.labels_, minlength=k), kind="stable")
    fitted.cluster_centers_ = np.ascontiguousarray(fitted.cluster_centers_[order])
    fitted._n_threads = 1
    del fitted.labels_
    return Pipeline([*prepared.steps, ("kmeans", fitted)])


def fit(
    customers: pd.DataFrame,
    entries: Sequence[Entry],
    preprocessing: Preprocessing,
    k: int,
    clustering: Clustering,
    seed: int,
    start: npt.NDArray[np.int64] | None = None,
) -> Pipeline:
    """Fit the whole pipeline: `prepare`, then `cluster`.

    Parameters
    ----------
    customers, entries, preprocessing
        As for `prepare`.
    k, clustering, seed, start
        As for `cluster`.

    Returns
    -------
    Pipeline
        winsorise, log1p, scale, pca, kmeans.
    """
    prepared = prepare(customers, entries, preprocessing)
    with threadpool_limits(limits=1):
        space = np.asarray(prepared.transform(customers), dtype=np.float64)
    return cluster(prepared, space, k, clustering, seed, start)


def dump(pipeline: Pipeline) -> bytes:
    """The fitted Pipeline as a joblib file.

    Parameters
    ----------
    pipeline
        From `fit`.

    Returns
    -------
    bytes
        Content of `model.pkl`.
    """
    buffer = BytesIO()
    joblib.dump(pipeline, buffer)
    return buffer.getvalue()


def fold(pipeline: Pipeline) -> Arrays:
    """The fitted Pipeline as arrays: every step up to PCA is a clip, a log1p or affine.

    Parameters
    ----------
    pipeline
        From `fit`.

    Returns
    -------
    Arrays
        Equal to the Pipeline up to rounding; callers prove it on their data.
    """
    bounds = pipeline["winsorise"].kw_args
    width = len(bounds["a_min"])
    log_mask: npt.NDArray[np.bool_] = np.zeros(width, dtype=np.bool_)
    # The ColumnTransformer of log1p puts its own columns first.
    order = np.arange(width)
    if "log1p" in pipeline.named_steps:
        logged = pipeline["log1p"].transformers_[0][2]
        log_mask[logged] = True
        order = np.concatenate([np.flatnonzero(log_mask), np.flatnonzero(~log_mask)])
    matrix, offset = np.eye(width)[:, order], np.zeros(width)
    mean, scale = np.zeros(width), np.ones(width)
    if "scale" in pipeline.named_steps:
        scaler: StandardScaler = pipeline["scale"]
        matrix, offset = matrix / scaler.scale_, -scaler.mean_ / scaler.scale_
        mean[order], scale[order] = scaler.mean_, scaler.scale_
    if "pca" in pipeline.named_steps:
        pca: PCA = pipeline["pca"]
        matrix, offset = matrix @ pca.components_.T, (offset - pca.mean_) @ pca.components_.T
        mean[order] += pca.mean_ * scale[order]
    residual_matrix, residual_offset = outside(matrix, mean, scale)
    return Arrays(
        lower=np.array(bounds["a_min"], dtype=np.float64),
        upper=np.array(bounds["a_max"], dtype=np.float64),
        log_mask=log_mask,
        matrix=np.ascontiguousarray(matrix),
        offset=np.ascontiguousarray(offset),
        centroids=np.array(pipeline["kmeans"].cluster_centers_, dtype=np.float64),
        residual_matrix=residual_matrix,
        residual_offset=residual_offset,
    )


def outside(matrix: Floats, mean: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """The affine map to what another one loses.

    Parameters
    ----------
    matrix
        From prepared rows to the space in which distances are measured, float64, shape (d, p).
    mean, scale
        That standardise prepared rows, float64, shape (d,) each.

    Returns
    -------
    residual_matrix, residual_offset
        From prepared rows to the standardised row in d minus p orthonormal directions, of which the first map sees
        nothing; float64, shapes (d, r) and (r,).
    """
    seen, strength, _ = np.linalg.svd(scale[:, np.newaxis] * matrix, full_matrices=True)
    kept = int((strength > strength.max() * len(matrix) * np.finfo(np.float64).eps).sum()) if len(strength) else 0
    directions = seen[:, kept:] / scale[:, np.newaxis]
    return np.ascontiguousarray(directions), -mean @ directions


def winsorising_bounds(
    customers: Floats, entries: Sequence[Entry], winsorise: Winsorise | None
) -> tuple[Floats, Floats]:
    """Frozen quantiles of the training customers, infinite for features that are not winsorised.

    Parameters
    ----------
    customers
        float64, shape (n, d).
    entries
        How each feature enters, d of them.
    winsorise
        The quantiles; None switches winsorising off.

    Returns
    -------
    lower, upper
        float64, shape (d,) each.
    """
    lower, upper = np.full(len(entries), -np.inf), np.full(len(entries), np.inf)
    if winsorise is not None:
        chosen = [index for index, entry in enumerate(entries) if entry.winsorised]
        if chosen:
            lower[chosen], upper[chosen] = np.quantile(customers[:, chosen], [winsorise.lower, winsorise.upper], axis=0)
    return lower, upper


def steps(customers: pd.DataFrame, entries: Sequence[Entry], preprocessing: Preprocessing) -> list[tuple[str, object]]:
    """The steps that `prepare` fits.

    Parameters
    ----------
    customers, entries, preprocessing
        As for `prepare`.

    Returns
    -------
    list of tuple
        Names and transformers, not yet fitted; winsorising bounds are those of the customers.
    """
    lower, upper = winsorising_bounds(customers.to_numpy(), entries, preprocessing.winsorise)
    # First even when it clips nothing: it checks the input for finite numbers and remembers the columns' names.
    found: list[tuple[str, object]] = [
        (
            "winsorise",
            FunctionTransformer(
                np.clip, kw_args={"a_min": lower, "a_max": upper}, validate=True, feature_names_out="one-to-one"
            ),
        )
    ]
    logged = [index for index, entry in enumerate(entries) if entry.log1p and preprocessing.log1p]
    if logged:
        log1p = ("log1p", FunctionTransformer(np.log1p, feature_names_out="one-to-one"), logged)
        found.append(("log1p", ColumnTransformer([log1p], remainder="passthrough")))
    if preprocessing.scale:
        found.append(("scale", StandardScaler()))
    if preprocessing.variance_kept is not None:
        # A share of exactly 1 means "all components" to PCA only as None.
        kept = preprocessing.variance_kept if preprocessing.variance_kept < 1 else None
        found.append(("pca", PCA(n_components=kept, svd_solver="covariance_eigh")))
    return found
