"""How features hang together, and the space that the model clusters in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from segmentation.features import Feature
from segmentation.pipeline import prepare
from segmentation.privacy import SMALLEST_GROUP
from segmentation.recipe import Entry, Preprocessing
from segmentation.scoring import Floats

MOST_CUSTOMERS = 200_000
"""Correlation and components of more customers are computed on a random sample of so many."""

SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Correlations and principal components of the features.

    Parameters
    ----------
    names
        Of the features, d of them.
    correlation
        Spearman's, shape (d, d).
    variance
        Share of variance of each component, descending.
    loadings
        Correlation of each feature with each component, shape (d, components).
    kept
        Components that the model keeps; None where it has no PCA.
    variance_kept
        The share of variance that it is asked to keep; None likewise.
    customers, of
        Customers computed on, and how many there are.
    """

    names: tuple[str, ...]
    correlation: Floats
    variance: Floats
    loadings: Floats
    kept: int | None
    variance_kept: float | None
    customers: int
    of: int


def space(customers: pd.DataFrame, features: Sequence[Feature], preprocessing: Preprocessing) -> Space | None:
    """Look at the features as the model does: winsorised, log1p, standardised.

    Parameters
    ----------
    customers
        One row per customer, float64, columns as `features`.
    features
        What they are.
    preprocessing
        Of the model.

    Returns
    -------
    Space
        None where there are fewer than two features or ten customers.
    """
    if len(features) < 2 or len(customers) < SMALLEST_GROUP:
        return None
    rows = customers
    if len(customers) > MOST_CUSTOMERS:
        chosen = np.random.default_rng(SEED).choice(len(customers), MOST_CUSTOMERS, replace=False, shuffle=False)
        rows = customers.iloc[np.sort(chosen)]
    entries = [Entry(feature.name, feature.transform == "log1p", feature.winsorised) for feature in features]
    whole = replace(preprocessing, variance_kept=1.0)
    pipeline = prepare(rows, entries, whole)
    pca = pipeline["pca"]
    seen = pipeline[:-1].transform(rows)
    names = [name.rpartition("__")[2] for name in pipeline[:-1].get_feature_names_out()]
    spread = seen.std(axis=0, ddof=1)
    # A component times its standard deviation, over the feature's: the correlation of the two.
    covariances = pca.components_.T * np.sqrt(np.maximum(pca.explained_variance_, 0))
    loadings = covariances / np.where(spread > 0, spread, 1)[:, np.newaxis]
    order = [names.index(feature.name) for feature in features]
    kept = None
    if preprocessing.variance_kept is not None:
        cumulative = np.cumsum(pca.explained_variance_ratio_)
        kept = min(int(np.searchsorted(cumulative, preprocessing.variance_kept, side="right")) + 1, len(cumulative))
    return Space(
        names=tuple(feature.name for feature in features),
        correlation=_spearman(rows.to_numpy()),
        variance=pca.explained_variance_ratio_,
        loadings=_signed(loadings[order]),
        kept=kept,
        variance_kept=preprocessing.variance_kept,
        customers=len(rows),
        of=len(customers),
    )


def _spearman(rows: Floats) -> Floats:
    ranks = stats.rankdata(rows, axis=0)
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt(np.square(centred).sum(axis=0))
    # A feature that is the same for everybody in the sample goes with nothing.
    unit = centred / np.where(length > 0, length, 1)
    correlation = unit.T @ unit
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(np.clip(correlation, -1, 1))


def _signed(loadings: Floats) -> Floats:
    """A component's direction is arbitrary: its largest loading is made positive."""
    largest = np.abs(loadings).argmax(axis=0)
    return np.asarray(loadings * np.where(loadings[largest, np.arange(loadings.shape[1])] < 0, -1, 1))
