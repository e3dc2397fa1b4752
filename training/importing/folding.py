"""A described Pipeline folded into arrays: each input is clipped, then log1p is taken, then one affine map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from segmentation.errors import ForeignPipelineError
from segmentation.scoring import Arrays, Floats
from training.importing.described import Columns, Sequence, Step
from training.importing.state import Input, State, beside, of_another_width


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a feature lay, as the model takes it, among those that the Pipeline was fitted on.

    Parameters
    ----------
    by
        mean (with the standard deviation), median (interquartile range), range (its middle), or largest.
    centre, spread
        In the feature's unit, or of its logarithm.
    """

    by: str
    centre: float
    spread: float


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A Pipeline as arrays.

    Parameters
    ----------
    arrays
        For `segmentation.scoring`; features in the Pipeline's order.
    seen
        By position of the feature, where it lay; features that no scaler saw first are absent.
    """

    arrays: Arrays
    seen: dict[int, Seen]


def fold(pipeline: Sequence, width: int) -> Folded:
    """Fold a described Pipeline.

    Parameters
    ----------
    pipeline
        Its last step is the clustering.
    width
        Number of features.

    Returns
    -------
    Folded
        The same up to rounding; callers prove it on their data.

    Raises
    ------
    ForeignPipelineError
        Its parts do not fit each other, hold numbers that are not finite, or arrays cannot express it.
    """
    seen: dict[int, Seen] = {}
    state = State(tuple(map(Input, range(width))), np.eye(width), np.zeros(width))
    for step in pipeline.steps[:-1]:
        state = _applied(state, step, seen)
    last = pipeline.steps[-1]
    if not isinstance(last, Step):
        raise ForeignPipelineError(f"its last step {last.name!r} is no clustering", hint="put KMeans at the end")
    centroids = _array(last, "cluster_centers_", 2)
    if centroids.shape[1] != state.width:
        raise of_another_width(last.name, centroids.shape[1], state.width)
    if len(centroids) < 2:
        raise ForeignPipelineError(
            f"step {last.name!r} has one cluster", hint="fit KMeans with n_clusters of two or more"
        )
    return Folded(_arrays(state, width, centroids), seen)


def _applied(state: State, step: Step | Sequence | Columns, seen: dict[int, Seen]) -> State:
    if isinstance(step, Sequence):
        for inner in step.steps:
            state = _applied(state, inner, seen)
        return state
    if isinstance(step, Columns):
        return beside([_block(state, step, number, seen) for number in range(len(step.blocks))])
    return _APPLY[step.kind](state, step, seen)


def _block(state: State, step: Columns, number: int, seen: dict[int, Seen]) -> State:
    block = step.blocks[number]
    if not all(0 <= column < state.width for column in block.columns):
        raise of_another_width(step.name, max(block.columns) + 1, state.width)
    return _applied(state.some(block.columns), block.step, seen)


def _arrays(state: State, width: int, centroids: Floats) -> Arrays:
    lower, upper, log_mask = np.full(width, -np.inf), np.full(width, np.inf), np.zeros(width, dtype=np.bool_)
    matrix = np.zeros((width, state.width))
    taken: dict[int, Input] = {}
    for row, each in enumerate(state.inputs):
        if not state.matrix[row].any():
            continue
        if taken.setdefault(each.feature, each) != each:
            raise ForeignPipelineError(
                f"its column {each.feature + 1} enters twice, once treated otherwise, which arrays cannot express",
                hint="let each feature enter once",
            )
        lower[each.feature], upper[each.feature], log_mask[each.feature] = each.lower, each.upper, each.log1p
        matrix[each.feature] += state.matrix[row]
    if not taken:
        raise ForeignPipelineError("no feature has any weight in it", hint="fit it on features that differ")
    # What it loses is told once customers are there to standardise by; see `training.importing.adoption`.
    nothing = np.zeros((width, 0)), np.zeros(0)
    return Arrays(lower, upper, log_mask, matrix, state.offset, centroids, *nothing)


def _log1p(state: State, step: Step, _seen: dict[int, Seen]) -> State:
    def treat(each: Input, _column: int) -> Input:
        if each.log1p:
            raise ForeignPipelineError(
                f"step {step.name!r} takes the logarithm of a logarithm", hint="take log1p once, first"
            )
        return replace(each, log1p=True)

    return state.treated(step.name, treat)


def _clip(state: State, step: Step, _seen: dict[int, Seen]) -> State:
    lower, upper = (
        np.broadcast_to(np.asarray(step.learned[name] if step.learned[name] is not None else open_, float), state.width)
        for name, open_ in (("lower", -np.inf), ("upper", np.inf))
    )
    return _clipped(state, step, lower, upper)


def _clipped(state: State, step: Step, lower: Floats, upper: Floats) -> State:
    if np.isnan(lower).any() or np.isnan(upper).any() or (lower > upper).any():
        raise _not_finite(step.name, "bounds")

    def treat(each: Input, column: int) -> Input:
        low, high = float(lower[column]), float(upper[column])
        if each.log1p:
            # What is clipped after the logarithm is clipped before it as well, to where that logarithm is reached.
            low, high = (float(np.expm1(bound)) if np.isfinite(bound) else bound for bound in (low, high))
        return replace(each, lower=min(max(each.lower, low), high), upper=min(max(each.upper, low), high))

    return state.treated(step.name, treat)


def _standard(state: State, step: Step, seen: dict[int, Seen]) -> State:
    means, variances = _array(step, "mean_", 1, np.zeros(state.width)), step.learned["var_"]
    scale = _array(step, "scale_", 1, np.ones(state.width))
    if variances is not None and means.shape == (state.width,):
        _see(state, seen, "mean", means, np.sqrt(_array(step, "var_", 1)))
    means = means if step.learned.get("with_mean", 1.0) else np.zeros_like(means)
    return state.affine(step.name, 1 / scale, -means / scale)


def _robust(state: State, step: Step, seen: dict[int, Seen]) -> State:
    centre = _array(step, "center_", 1, np.zeros(state.width))
    scale = _array(step, "scale_", 1, np.ones(state.width))
    if step.learned["center_"] is not None and step.learned["scale_"] is not None:
        _see(state, seen, "median", centre, scale)
    return state.affine(step.name, 1 / scale, -centre / scale)


def _min_max(state: State, step: Step, seen: dict[int, Seen]) -> State:
    scale, shift = _array(step, "scale_", 1), _array(step, "min_", 1)
    low, high = _array(step, "feature_range", 1, np.array([0.0, 1.0]))
    if scale.shape == shift.shape:
        _see(state, seen, "range", ((low + high) / 2 - shift) / scale, (high - low) / scale)
    if step.learned.get("clip") and scale.shape == (state.width,):
        state = _clipped(state, step, (low - shift) / scale, (high - shift) / scale)
    return state.affine(step.name, scale, shift)


def _max_abs(state: State, step: Step, seen: dict[int, Seen]) -> State:
    scale = _array(step, "scale_", 1)
    _see(state, seen, "largest", scale, scale)
    if step.learned.get("clip") and scale.shape == (state.width,):
        state = _clipped(state, step, -scale, scale)
    return state.affine(step.name, 1 / scale, np.zeros_like(scale))


def _pca(state: State, step: Step, _seen: dict[int, Seen]) -> State:
    directions, means = _array(step, "components_", 2).T, _array(step, "mean_", 1)
    if step.learned.get("whiten"):
        spread = np.sqrt(_array(step, "explained_variance_", 1))
        # As scikit-learn does, which divides by no number smaller than this.
        directions = directions / np.maximum(spread, np.finfo(np.float64).eps)
    if len(means) != len(directions) or directions.shape[1] > len(directions):
        raise of_another_width(step.name, len(means), state.width)
    return state.affine(step.name, directions, -means @ directions)


def _passed(state: State, _step: Step, _seen: dict[int, Seen]) -> State:
    return state


_APPLY: dict[str, Callable[[State, Step, dict[int, Seen]], State]] = {
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "PCA": _pca,
    "log1p": _log1p,
    "clip": _clip,
    "passthrough": _passed,
}


def _see(state: State, seen: dict[int, Seen], by: str, centres: Floats, spreads: Floats) -> None:
    for column in range(min(state.width, len(centres), len(spreads))):
        at = state.plain(column)
        if at is not None:
            seen.setdefault(state.inputs[at].feature, Seen(by, float(centres[column]), float(spreads[column])))


def _array(step: Step, name: str, dimensions: int, default: Floats | None = None) -> Floats:
    value = step.learned.get(name)
    if value is None and default is not None:
        return default
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != dimensions or not array.size:
        raise ForeignPipelineError(
            f"step {step.name!r}: {name} has {array.ndim} dimensions, not {dimensions}", hint="dump the Pipeline anew"
        )
    if not np.isfinite(array).all() or (name == "scale_" and not array.all()):
        raise _not_finite(step.name, name)
    return array


def _not_finite(name: str, attribute: str) -> ForeignPipelineError:
    return ForeignPipelineError(
        f"step {name!r}: {attribute} holds numbers that are not finite, or zeros to divide by",
        hint="fit the Pipeline anew, on data without missing or infinite values",
    )
