"""A described Pipeline as a Pipeline again: new objects of this release of scikit-learn that know what the others did.

What is published must hold nothing of the file itself: neither what it may have hidden nor what an earlier release
wrote.
Each object is fitted on a few invented rows, so that it is whole, and then told what the foreign one learned.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from threadpoolctl import threadpool_limits

from training.importing.described import Columns, Numbers, Sequence, Step

FIRST = "checked"
"""Name of a step of our own that comes first: it checks the input and remembers the names of its columns."""

COUNTS = ("n_samples_", "n_iter_")


def rebuild(pipeline: Sequence, names: list[str]) -> Pipeline:
    """Make the Pipeline anew.

    Parameters
    ----------
    pipeline
        Described, and folded: its parts fit each other.
    names
        Of its columns.

    Returns
    -------
    Pipeline
        Fitted; without labels.
    """
    unfitted: Any = _unfitted(pipeline)
    bounds = {"a_min": np.full(len(names), -np.inf), "a_max": np.full(len(names), np.inf)}
    # As in the Pipelines that are trained here; see `segmentation.pipeline`.
    checked = FunctionTransformer(np.clip, kw_args=bounds, validate=True, feature_names_out="one-to-one")
    first = FIRST if FIRST not in unfitted.named_steps else f"{FIRST}-again"
    whole = Pipeline([(first, checked), *unfitted.steps])
    rng, rows = np.random.default_rng(0), 2 * len(names) + 2 * unfitted[-1].n_clusters
    with threadpool_limits(limits=1), warnings.catch_warnings(), np.errstate(all="ignore"):
        # Clipped to where the Pipeline's own data lay, invented rows may all be the same.
        warnings.simplefilter("ignore")
        whole.fit(pd.DataFrame(rng.random((rows, len(names))), columns=names))
    for (_, fitted), told in zip(whole.steps[1:], pipeline.steps, strict=True):
        _teach(fitted, told)
    return whole


def _unfitted(step: Step | Sequence | Columns) -> object:
    if isinstance(step, Sequence):
        return Pipeline([(each.name, _unfitted(each)) for each in step.steps])
    if isinstance(step, Columns):
        blocks = [(f"block{at}", _unfitted(block.step), block.columns) for at, block in enumerate(step.blocks)]
        return ColumnTransformer(blocks, remainder="drop", sparse_threshold=0)
    learned = step.learned
    if step.kind in ("KMeans", "MiniBatchKMeans"):
        return KMeans(len(_matrix(learned["cluster_centers_"])), n_init=1, random_state=0)
    if step.kind == "PCA":
        return PCA(len(_matrix(learned["components_"])), whiten=bool(learned.get("whiten")), svd_solver="full")
    return _SIMPLE[step.kind](learned)


def _function(function: Any, **named: Any) -> FunctionTransformer:
    return FunctionTransformer(function, kw_args=named or None, feature_names_out="one-to-one")


_SIMPLE: dict[str, Callable[[dict[str, Numbers]], object]] = {
    "passthrough": lambda _: "passthrough",
    "log1p": lambda _: _function(np.log1p),
    "clip": lambda known: _function(np.clip, a_min=_bound(known["lower"]), a_max=_bound(known["upper"])),
    "StandardScaler": lambda known: StandardScaler(
        with_mean=bool(known.get("with_mean", 1.0)), with_std=bool(known.get("with_std", 1.0))
    ),
    "RobustScaler": lambda known: RobustScaler(
        with_centering=known["center_"] is not None, with_scaling=known["scale_"] is not None
    ),
    "MinMaxScaler": lambda known: MinMaxScaler(
        feature_range=_range(known.get("feature_range")), clip=bool(known.get("clip"))
    ),
    "MaxAbsScaler": lambda known: MaxAbsScaler(clip=bool(known.get("clip"))),
}


def _teach(fitted: Any, told: Step | Sequence | Columns) -> None:
    """What was learned from invented rows is forgotten; what the file learned takes its place."""
    if isinstance(told, Sequence):
        for (_, inner), each in zip(fitted.steps, told.steps, strict=True):
            _teach(inner, each)
        return
    if isinstance(told, Columns):
        for (_, inner, _), block in zip(fitted.transformers_, told.blocks, strict=False):
            _teach(inner, block.step)
        return
    if isinstance(fitted, (str, FunctionTransformer)):
        return
    for name in [name for name in vars(fitted) if name.endswith("_") and name not in _STRUCTURE]:
        delattr(fitted, name)
    for name, value in told.learned.items():
        if name.endswith("_"):
            setattr(fitted, name, _value(name, value))


_STRUCTURE = ("n_features_in_", "feature_names_in_", "n_components_")


def _value(name: str, value: Numbers) -> object:
    if value is None or isinstance(value, float):
        return int(value) if name in COUNTS and value is not None and np.isfinite(value) else value
    return np.array(value, dtype=np.float64)


def _bound(value: Numbers) -> object:
    return np.array(value, dtype=np.float64) if isinstance(value, list) else value


def _range(value: Numbers) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list) else (0, 1)


def _matrix(value: Numbers) -> list[Any]:
    return value if isinstance(value, list) else []
