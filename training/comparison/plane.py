"""The plane in which divisions are drawn: the two directions in which customers differ most, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segmentation.scoring import Floats

NAMED = 3
"""Features that an axis is named after."""

WEAK = 0.3
"""Correlation under which a feature does not name an axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One direction.

    Parameters
    ----------
    variance
        Its share of all features' variance, 0 to 1.
    loadings
        The features that go with it most: name and correlation.
    """

    variance: float
    loadings: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The first two principal components of the space.

    Parameters
    ----------
    mean, directions
        float64, shapes (p,) and (p, 2); the second direction is empty where p is 1.
    axes
        What they mean.
    """

    mean: Floats
    directions: Floats
    axes: tuple[Axis, Axis]

    def of(self, rows: Floats) -> Floats:
        """Where rows of the space are in the plane.

        Parameters
        ----------
        rows
            float64, shape (m, p).

        Returns
        -------
        ndarray
            float64, shape (m, 2).
        """
        return np.asarray((rows - self.mean) @ self.directions, dtype=np.float64)


def plane(space: Floats, seen: Floats, names: Sequence[str], variance_kept: float) -> Plane:
    """Find the plane.

    Parameters
    ----------
    space
        Customers in the model's space, float64, shape (n, p).
    seen
        Their features as the model sees them (winsorised, log1p), float64, shape (n, d).
    names
        Of the features.
    variance_kept
        Share of the features' variance that the space holds.

    Returns
    -------
    Plane
        Signs such that the feature that goes with an axis most goes up along it.
    """
    mean = space.mean(axis=0)
    centred = space - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(space))
    total = float(values.sum()) or 1.0
    directions = np.zeros((space.shape[1], 2))
    directions[:, : min(2, len(values))] = vectors[:, ::-1][:, :2]
    spread = seen.std(axis=0)
    standardised = (seen - seen.mean(axis=0)) / np.where(spread > 0, spread, 1)
    along = centred @ directions
    length = along.std(axis=0)
    correlation = standardised.T @ along / len(seen) / np.where(length > 0, length, 1)
    first = np.abs(correlation).argmax(axis=0)
    signs = np.where(correlation[first, [0, 1]] < 0, -1.0, 1.0)
    shares = [*(values[::-1][:2] / total * variance_kept).tolist(), 0.0][:2]
    return Plane(
        mean=mean,
        directions=directions * signs,
        axes=(
            _axis(float(shares[0]), correlation[:, 0] * signs[0], names),
            _axis(float(shares[1]), correlation[:, 1] * signs[1], names),
        ),
    )


def _axis(variance: float, correlation: Floats, names: Sequence[str]) -> Axis:
    order = np.argsort(-np.abs(correlation), kind="stable")[:NAMED]
    loadings = [(names[column], float(correlation[column])) for column in order if abs(correlation[column]) >= WEAK]
    return Axis(variance, tuple(loadings))
