"""Why a customer is in their segment and not in the runner-up: the difference of two distances, by feature.

Up to the winsorising and the logarithm everything that the arrays do is affine. With a customer's prepared features y,
z = yM + o, the own centroid a and the runner-up's b, the difference of the squared distances is linear in y:

    |z - b|² - |z - a|²  =  2 (z - (a + b) / 2) · (a - b)  =  Σ_j  w_j (y_j - r_j),    w = 2 M (a - b),

for every reference r that M brings to the middle between the two centroids, where the difference is 0. Feature j's
contribution is its term of the sum: positive where it draws the customer to their own segment, negative where it draws
them to the runner-up. The reference is the middle between the typical customers of the two segments: their medians, as
the card tells them, moved by the least (in the features' spreads) that brings them onto their centroids. PCA
leaves many points that it brings to one centroid; of these it is the one most like the segment's real customers.

The decomposition is that of linear attribution (Lundberg & Lee 2017, "A unified approach to interpreting model
predictions", section 4, linear SHAP) with the border between the two segments, not the average customer, as its
origin: so the contributions sum to the difference itself, without an intercept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.card import Card
from segmentation.errors import InconsistentModelError
from segmentation.scoring import Arrays, Floats
from segmentation.segment import Quantiles

NORMAL_SPREAD = 3.29
"""Standard deviations between the 5 % and the 95 % quantile of a normal distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """What separates n customers from their runner-up.

    Parameters
    ----------
    difference
        Squared distance to the runner-up's centroid minus that to the own, float64, shape (n,).
    contributions
        By feature, in the model's order, float64, shape (n, d); a row sums to the difference, up to rounding.
    """

    difference: Floats
    contributions: Floats


def separate(
    card: Card,
    arrays: Arrays,
    features: Floats,
    segment: npt.NDArray[np.int64],
    runner_up: npt.NDArray[np.int64],
) -> Separation:
    """Tell by feature what separates customers from their runner-up; see the top of this module.

    Parameters
    ----------
    card, arrays
        The model.
    features
        float64, shape (n, d), finite, columns in the model's order.
    segment, runner_up
        Positions of centroids, int64, shape (n,).

    Returns
    -------
    Separation
        In input order.

    Raises
    ------
    InconsistentModelError
        The card has no median of a feature.
    """
    typical = typical_customers(card, arrays)
    own, other = arrays.centroids[segment], arrays.centroids[runner_up]
    prepared = arrays.prepare(features)
    weights = 2.0 * (own - other) @ arrays.matrix.T
    reference = (typical[segment] + typical[runner_up]) / 2.0
    place = arrays.space(features)
    # Of whom a wild value puts far from both, the two squares share all their digits: they are not subtracted.
    difference = 2.0 * np.vecdot(place - (own + other) / 2.0, own - other)
    return Separation(difference=difference, contributions=weights * (prepared - reference))


def typical_customers(card: Card, arrays: Arrays) -> Floats:
    """A customer of each segment who stands on its centroid and is as near to its medians as that allows.

    Parameters
    ----------
    card, arrays
        The model.

    Returns
    -------
    ndarray
        Prepared features (winsorised, log1p), float64, shape (k, d).

    Raises
    ------
    InconsistentModelError
        The card has no median of a feature.
    """
    names = card.feature_names
    # The median of the logarithm is the logarithm of the median: winsorising and log1p are monotone.
    medians = arrays.prepare(np.array([_quantiles(segment.profile, names)[:, 1] for segment in card.segments]))
    low, _, high = arrays.prepare(np.ascontiguousarray(_quantiles(card.population, names).T))
    spread = (high - low) / NORMAL_SPREAD
    # Of a feature that nearly nobody has, the quantiles tell no spread; the scale that the map gives it does.
    norms = np.linalg.norm(arrays.matrix, axis=1)
    scale = np.where(spread > 0, spread, np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0))
    missing = arrays.centroids - (medians @ arrays.matrix + arrays.offset)
    return np.asarray(medians + missing @ np.linalg.pinv(scale[:, np.newaxis] * arrays.matrix) * scale)


def _quantiles(profile: Mapping[str, Quantiles], names: Sequence[str]) -> Floats:
    lost = [name for name in names if name not in profile]
    if lost:
        raise InconsistentModelError(f"the card has no quantiles of {lost[0]}", hint="publish the model again")
    return np.array([(profile[name].q05, profile[name].q50, profile[name].q95) for name in names])
