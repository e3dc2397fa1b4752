"""A Pipeline as names and numbers: what passes between the process that opens it and the job. No scikit-learn."""

from collections.abc import Iterator
from typing import Literal

import msgspec

Numbers = float | list[float | list[float]] | None
"""A learned attribute: a number, a vector or a matrix."""

Kind = Literal[
    "StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler", "PCA", "log1p", "clip", "passthrough",
    "KMeans", "MiniBatchKMeans",
]  # fmt: skip

ACCEPTED = (
    "StandardScaler, MinMaxScaler, RobustScaler, MaxAbsScaler, PCA, FunctionTransformer of np.log1p or np.clip, "
    "'passthrough', a ColumnTransformer of these, and KMeans or MiniBatchKMeans at the end"
)


class Step(msgspec.Struct, frozen=True, tag="step"):
    """One fitted estimator.

    Parameters
    ----------
    name
        In its Pipeline.
    kind
        Its class; of a FunctionTransformer, its function.
    learned
        Attributes by name, scikit-learn's and those parameters that matter when it is used.
    """

    name: str
    kind: Kind
    learned: dict[str, Numbers]


class Sequence(msgspec.Struct, frozen=True, tag="sequence"):
    """A Pipeline, or one within another."""

    name: str
    steps: list["Step | Sequence | Columns"]


class Block(msgspec.Struct, frozen=True):
    """What a ColumnTransformer does to some columns, given by position."""

    columns: list[int]
    step: "Step | Sequence"


class Columns(msgspec.Struct, frozen=True, tag="columns"):
    """A ColumnTransformer: its blocks beside each other, in their order."""

    name: str
    blocks: list[Block]


class Described(msgspec.Struct, frozen=True, tag="described"):
    """What a file holds.

    Parameters
    ----------
    pipeline
        Its steps, the clustering last.
    names
        What it was fitted on, if it had names.
    width
        Number of columns it was fitted on; None where the file does not say.
    made_by, here
        Versions of scikit-learn: the one that fitted it (None where the file does not say), and the one that opened it.
    single
        Whether it was fitted in single precision.
    """

    pipeline: Sequence
    names: list[str] | None
    width: int | None
    made_by: str | None
    here: str
    single: bool


class Rows(msgspec.Struct, frozen=True):
    """Customers to ask it about: float64 in the machine's order of bytes, row by row."""

    width: int
    values: bytes


class Labels(msgspec.Struct, frozen=True, tag="labels"):
    """What its own `predict` says: int64, in the machine's order of bytes."""

    values: bytes


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """Why it is not taken in."""

    message: str
    hint: str


Answer = Described | Labels | Refused


def flat(step: Step | Sequence | Columns) -> Iterator[Step]:
    """Every estimator in a step, in the order of its use.

    Parameters
    ----------
    step
        Any.

    Yields
    ------
    Step
        Those of nested Pipelines and ColumnTransformers included.
    """
    if isinstance(step, Step):
        yield step
    elif isinstance(step, Sequence):
        for inner in step.steps:
            yield from flat(inner)
    else:
        for block in step.blocks:
            yield from flat(block.step)


def told(pipeline: Sequence) -> tuple[str, ...]:
    """The steps in words.

    Parameters
    ----------
    pipeline
        Described.

    Returns
    -------
    tuple of str
        Such as `scaler: StandardScaler`.
    """
    return tuple(f"{step.name}: {_what(step)}" for step in pipeline.steps)


def _what(step: Step | Sequence | Columns) -> str:
    if isinstance(step, Step):
        return f"FunctionTransformer({step.kind})" if step.kind in ("log1p", "clip") else step.kind
    if isinstance(step, Sequence):
        return f"Pipeline({', '.join(map(_what, step.steps))})"
    return f"ColumnTransformer({', '.join(_what(block.step) for block in step.blocks)})"
