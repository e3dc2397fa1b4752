"""What customers get who lack a feature: as the catalogue says, or as the configuration does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import cast

import numpy as np

from segmentation.errors import ConfigurationError, nearest
from segmentation.features import Feature, Lacking
from segmentation.scoring import Floats

DECIMALS = 6
"""Fills are rounded: a short literal is the same number in SQL, in JSON and in Python."""


def with_missing(features: Sequence[Feature], missing: Mapping[str, float | str]) -> tuple[Feature, ...]:
    """Features as the configuration wants them filled.

    Parameters
    ----------
    features
        As the catalogue has them.
    missing
        By feature: mean, median or a number; see `missing_values` of the configuration.

    Returns
    -------
    tuple of Feature
        In their order.

    Raises
    ------
    ConfigurationError
        There is no such feature, or it cannot take that number.
    """
    known = [feature.name for feature in features]
    for name in missing:
        if name not in known:
            raise ConfigurationError(f"missing_values: there is no feature {name!r}", hint=nearest(name, known))
    return tuple(replace(feature, lacking=_lacking(feature, missing)) for feature in features)


def stand_in(feature: Feature, values: Floats, missing: Mapping[str, float | str]) -> float:
    """What customers get who lack a feature.

    Parameters
    ----------
    feature
        From `with_missing`.
    values
        Of the customers who have it, at least one, in the customers' order: a mean adds up in the order of its rows.
    missing
        As for `with_missing`.

    Returns
    -------
    float
        Rounded to six decimals.
    """
    if feature.lacking == "constant":
        return float(missing[feature.name])
    middle = np.mean(values) if feature.lacking == "mean" else np.median(values)
    return round(float(middle), DECIMALS)


def _lacking(feature: Feature, missing: Mapping[str, float | str]) -> Lacking:
    chosen = missing.get(feature.name, feature.lacking)
    if isinstance(chosen, str):
        return cast("Lacking", chosen)
    if not isfinite(chosen) or chosen not in feature.valid:
        raise ConfigurationError(
            f"missing_values: {feature.name} cannot be {chosen:g}", hint=f"it takes {feature.valid}"
        )
    return "constant"
