"""A Pipeline as an object to a Pipeline as names and numbers. Runs in the process that opened it, and nowhere else."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import sklearn
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from training.importing.described import ACCEPTED, Block, Columns, Described, Numbers, Sequence, Step, flat
from training.importing.unpickler import Stranger

LEARNED: dict[type, tuple[str, ...]] = {
    StandardScaler: ("mean_", "scale_", "var_"),
    MinMaxScaler: ("min_", "scale_"),
    RobustScaler: ("center_", "scale_"),
    MaxAbsScaler: ("scale_",),
    PCA: (
        "components_", "mean_", "explained_variance_", "explained_variance_ratio_", "singular_values_",
        "noise_variance_", "n_samples_",
    ),
    KMeans: ("cluster_centers_", "inertia_", "n_iter_"),
    MiniBatchKMeans: ("cluster_centers_", "inertia_", "n_iter_"),
}  # fmt: skip
"""By class, what it knows after being fitted. What MinMaxScaler remembers beyond are the values of single customers."""

SET = {
    StandardScaler: ("with_mean", "with_std"),
    MinMaxScaler: ("feature_range", "clip"),
    RobustScaler: ("with_centering", "with_scaling"),
    MaxAbsScaler: ("clip",),
    PCA: ("whiten",),
}
"""By class, parameters that matter when it is used; absent in files of releases that did not have them."""

CLUSTERING = (KMeans, MiniBatchKMeans)
TREE = "its predict goes down a tree of divisions, which is not always to the nearest centre"


class UnacceptableError(Exception):
    """What was read is not a Pipeline that can be taken in."""

    def __init__(self, message: str, hint: str = f"accepted are {ACCEPTED}") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def described(found: object, strangers: list[str]) -> Described:
    """Tell a Pipeline.

    Parameters
    ----------
    found
        What a file holds.
    strangers
        What else it asked for and did not get.

    Returns
    -------
    Described
        Names and numbers.

    Raises
    ------
    UnacceptableError
        It is something else, is not fitted, or has a step that arrays cannot express.
    """
    pipeline = _pipeline(found, strangers)
    steps = _steps(pipeline)
    told = [each for name, step in steps[:-1] for each in _level(_step(name, step))]
    last, clustering = steps[-1]
    if type(clustering) not in CLUSTERING:
        because = f" ({TREE})" if _class(clustering).endswith("BisectingKMeans") else ""
        raise UnacceptableError(f"its last step {last!r} is {_class(clustering)}{because}, not KMeans")
    told.append(_estimator(last, clustering))
    if strangers:
        raise unasked(strangers)
    inside = [*_inside(steps)]
    return Described(
        pipeline=Sequence(name="", steps=told),
        names=next((names for names in map(_names, inside) if names), None),
        width=next((int(vars(each)["n_features_in_"]) for each in inside if "n_features_in_" in vars(each)), None),
        made_by=None,
        here=str(sklearn.__version__),
        single=vars(clustering)["cluster_centers_"].dtype == np.float32,
    )


def ready(found: object) -> Any:
    """The Pipeline to ask, once it is described: nothing in it but accepted classes.

    Parameters
    ----------
    found
        As for `described`.

    Returns
    -------
    Pipeline
        Asked as it is, but for what earlier releases of scikit-learn did not write.
    """
    pipeline = found if type(found) is Pipeline else Pipeline([("kmeans", found)])
    _complete(pipeline)
    return pipeline


def _complete(step: Any) -> None:
    """Parameters that earlier releases did not know get their defaults."""
    inner: list[object] = []
    if type(step) is Pipeline:
        step.memory, step.verbose = None, False
        vars(step).setdefault("transform_input", None)
        inner = [each for _, each in step.steps]
    elif type(step) is ColumnTransformer:
        inner = [each for _, each, _ in step.transformers_]
    elif type(step) in LEARNED:
        for name, value in type(step)().get_params().items():
            vars(step).setdefault(name, value)
        if type(step) in CLUSTERING:
            step._n_threads = 1
    for each in inner:
        _complete(each)


def unasked(strangers: list[str]) -> UnacceptableError:
    """The complaint of a file that asks for what no Pipeline needs.

    Parameters
    ----------
    strangers
        What it asked for.

    Returns
    -------
    UnacceptableError
        To raise, or to tell.
    """
    some = ", ".join(strangers[:3]) + (", …" if len(strangers) > 3 else "")
    return UnacceptableError(
        f"it asks for {some}, which no Pipeline needs; nothing of that was run",
        "if you trust whoever made it, let them dump the fitted Pipeline alone: scikit-learn's classes, numpy's arrays",
    )


def _pipeline(found: object, strangers: list[str]) -> object:
    if type(found) is Pipeline or type(found) in CLUSTERING:
        return found
    if isinstance(found, Stranger) and not found.asked.startswith("sklearn."):
        raise unasked(strangers or [found.asked])
    if type(found) in (dict, list, tuple):
        raise UnacceptableError(
            f"it holds a {type(found).__name__}, not a Pipeline",
            "dump one Pipeline: Pipeline([('scaler', scaler), ('pca', pca), ('kmeans', kmeans)])",
        )
    raise UnacceptableError(f"it holds {_class(found)}, not a Pipeline")


def _steps(pipeline: object) -> list[tuple[str, object]]:
    if type(pipeline) is not Pipeline:
        return [("kmeans", pipeline)]
    steps = vars(pipeline).get("steps")
    well_formed = isinstance(steps, list) and all(
        isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in steps
    )
    if not steps or not well_formed:
        raise UnacceptableError("its Pipeline has no steps")
    return list(steps)


def _level(step: Step | Sequence | Columns) -> list[Step | Sequence | Columns]:
    """The steps of a Pipeline in a Pipeline as steps of the outer one."""
    if not isinstance(step, Sequence):
        return [step]
    inside = [each for inner in step.steps for each in _level(inner)]
    # Two underscores are for scikit-learn alone.
    return [msgspec.structs.replace(each, name=f"{step.name}.{each.name}") for each in inside]


def _step(name: str, step: object) -> Step | Sequence | Columns:
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return Step(name, "passthrough", {})
    if type(step) is Pipeline:
        return Sequence(name, [_step(inner, each) for inner, each in _steps(step)])
    if type(step) is ColumnTransformer:
        return _columns(name, step)
    if type(step) in CLUSTERING:
        raise UnacceptableError(f"step {name!r} is {type(step).__name__}, which must be the last step")
    return _estimator(name, step)


def _estimator(name: str, step: object) -> Step:
    if type(step) is FunctionTransformer:
        return _function(name, step)
    kind = type(step)
    if kind not in LEARNED:
        raise UnacceptableError(f"step {name!r} is {_class(step)}")
    return Step(
        name,
        kind.__name__,  # type: ignore[arg-type]
        {each: _numbers(name, step, each) for each in LEARNED[kind]}
        | {each: _parameter(name, step, each) for each in SET.get(kind, ()) if each in vars(step)},
    )


def _function(name: str, step: object) -> Step:
    function, named = vars(step).get("func"), vars(step).get("kw_args") or {}
    if function is None:
        return Step(name, "passthrough", {})
    if function is np.log1p and not named:
        return Step(name, "log1p", {})
    if function is np.clip and set(named) in ({"a_min", "a_max"}, {"min", "max"}):
        low, high = (named["a_min"], named["a_max"]) if "a_min" in named else (named["min"], named["max"])
        return Step(name, "clip", {"lower": _plain(name, "a_min", low), "upper": _plain(name, "a_max", high)})
    called = function.asked if isinstance(function, type) and issubclass(function, Stranger) else str(function)
    raise UnacceptableError(f"step {name!r} is a FunctionTransformer of {called}")


def _columns(name: str, step: object) -> Columns:
    known = vars(step)
    if "transformers_" not in known or "_transformer_to_input_indices" not in known:
        raise UnacceptableError(f"step {name!r} is not fitted", "fit the Pipeline, and dump it then")
    if known.get("transformer_weights"):
        raise UnacceptableError(f"step {name!r} is a ColumnTransformer with transformer_weights")
    blocks = []
    for each, transformer, _ in known["transformers_"]:
        columns = [int(column) for column in known["_transformer_to_input_indices"][each]]
        if not columns or (isinstance(transformer, str) and transformer == "drop"):
            continue
        inner = _step(f"{name}__{each}", transformer)
        if isinstance(inner, Columns):
            raise UnacceptableError(f"step {name!r} is a ColumnTransformer that holds another")
        if any(part.kind == "PCA" for part in flat(inner)):
            raise UnacceptableError(f"step {name!r} is a ColumnTransformer that holds PCA, which must see all columns")
        blocks.append(Block(columns, inner))
    if not blocks:
        raise UnacceptableError(f"step {name!r} is a ColumnTransformer that lets no column through")
    return Columns(name, blocks)


def _numbers(name: str, step: object, attribute: str) -> Numbers:
    if attribute not in vars(step):
        raise UnacceptableError(
            f"step {name!r} is not fitted: it has no {attribute}", "fit the Pipeline, and dump it then"
        )
    return _plain(name, attribute, vars(step)[attribute])


def _parameter(name: str, step: object, attribute: str) -> Numbers:
    value = vars(step)[attribute]
    return _plain(name, attribute, list(value) if isinstance(value, tuple) else value)


def _plain(name: str, attribute: str, value: object) -> Numbers:
    if value is None:
        return None
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UnacceptableError(
            f"step {name!r}: {attribute} is not made of numbers", "dump the Pipeline anew"
        ) from error
    if numbers.ndim > 2:
        raise UnacceptableError(f"step {name!r}: {attribute} has {numbers.ndim} dimensions", "dump the Pipeline anew")
    plain: Numbers = numbers.tolist()
    return plain


def _inside(steps: list[tuple[str, object]]) -> list[object]:
    """All that may know what the Pipeline was fitted on: only a first step sees the names."""
    _, first = steps[0]
    if type(first) is Pipeline:
        return [first, *_inside(_steps(first))]
    if isinstance(first, str) or first is None:
        return [] if len(steps) == 1 else _inside(steps[1:])
    return [first]


def _names(step: object) -> list[str] | None:
    names = vars(step).get("feature_names_in_")
    return None if names is None or not all(isinstance(name, str) for name in names) else [str(name) for name in names]


def _class(found: object) -> str:
    if isinstance(found, Stranger):
        return found.asked
    if isinstance(found, type) and issubclass(found, Stranger):
        return found.asked
    return f"{type(found).__module__}.{type(found).__qualname__}".removeprefix("builtins.")
