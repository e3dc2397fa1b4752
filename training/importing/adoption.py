"""A foreign Pipeline in the place of our own fit: the same model as arrays, proved on every customer, and measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from segmentation.errors import ForeignPipelineError, InconsistentModelError, UnusableDataError
from segmentation.features import Feature
from segmentation.imported import Imported
from segmentation.pipeline import outside
from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Arrays, Floats, score
from segmentation.tables import Interval
from training import progress
from training.fitting import TIE, Fitted, measure
from training.importing.columns import Agreed, agree
from training.importing.described import told
from training.importing.folding import Folded, fold
from training.importing.guest import Guest, opened
from training.importing.likeness import alike
from training.importing.rebuilding import rebuild

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from training.agreement import Ints
    from training.configuration import Configuration

SINGLE = 1e-4
"""Relative margin under which rounding decides where the Pipeline computes in single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """A Pipeline fitted elsewhere, ready to become a model.

    Parameters
    ----------
    guest
        The process that holds it.
    columns
        Which features it takes.
    folded
        The same as arrays.
    """

    guest: Guest
    columns: Agreed
    folded: Folded

    def features(self, catalogue: Sequence[Feature]) -> tuple[Feature, ...]:
        """Its features, entering as it takes them.

        Parameters
        ----------
        catalogue
            Those that can be made of the data.

        Returns
        -------
        tuple of Feature
            In its order.

        Raises
        ------
        ForeignPipelineError
            One is not there.
        """
        arrays = self.folded.arrays
        clipped = np.isfinite(arrays.lower) | np.isfinite(arrays.upper)
        taken = zip(
            self.columns.features(catalogue),
            arrays.log_mask.tolist(),
            clipped.tolist(),
            _unbounded(arrays).tolist(),
            strict=True,
        )
        return tuple(
            replace(
                feature,
                transform="log1p" if logged else "none",
                winsorised=bool(cut),
                # As where a mapping takes the logarithm of a number: who has a negative one is refused.
                valid=Interval(0, feature.valid.high) if open_ and feature.valid.low is None else feature.valid,
            )
            for feature, logged, cut, open_ in taken
        )

    def refuse_lacking(self, left_out: Mapping[str, str]) -> None:
        """Check that the data gave all of its features.

        Parameters
        ----------
        left_out
            Why features are not there.

        Raises
        ------
        UnusableDataError
            One is missing.
        """
        for name in self.columns.names:
            if name in left_out:
                raise UnusableDataError(
                    f"the Pipeline needs {name}: {left_out[name]}", hint="give data like those that it was fitted on"
                )


@contextmanager
def foreign(
    file: Path, trusted: str | None, names: Sequence[str] = (), renamed: Mapping[str, str] | None = None
) -> Iterator[Foreign]:
    """Open a file, and find out what it holds.

    Parameters
    ----------
    file, trusted
        See `training.importing.guest.opened`.
    names, renamed
        See `training.importing.columns.agree`.

    Yields
    ------
    Foreign
        For `training.job.make`.

    Raises
    ------
    ForeignPipelineError
        It cannot be taken in.
    """
    with progress.step("opening the file"), opened(file, trusted) as guest:
        columns = agree(guest.described, names, renamed or {})
        yield Foreign(guest, columns, fold(guest.described.pipeline, len(columns.names)))


def adopt(foreign: Foreign, customers: pd.DataFrame, configuration: Configuration) -> Fitted:
    """Make a model of a foreign Pipeline, and prove it equal on customers.

    Parameters
    ----------
    foreign
        The Pipeline.
    customers
        One row per customer whom no rule takes, float64; columns in its order.
    configuration
        How it is measured.

    Returns
    -------
    Fitted
        As `training.fitting.train` gives it; segments are in the order of its clusters.

    Raises
    ------
    ForeignPipelineError
        What it says itself is not what the arrays say.
    UnusableDataError
        It puts too few of these customers in one of its clusters.
    """
    described, arrays = foreign.guest.described, foreign.folded.arrays
    tie = SINGLE if described.single else TIE
    rows = np.ascontiguousarray(customers.to_numpy(), dtype=np.float64)
    _refuse_negative(customers, arrays)
    with progress.step("proving the imported Pipeline"), threadpool_limits(limits=1):
        pipeline = rebuild(described.pipeline, list(customers.columns))
        labels = pipeline.predict(customers).astype(np.int64)
        _prove(foreign, rows, labels, tie)
        kept = _variance_kept(pipeline, customers)
    sizes = np.bincount(labels, minlength=len(arrays.centroids))
    if sizes.min() < SMALLEST_GROUP:
        raise UnusableDataError(
            f"the Pipeline puts fewer than {SMALLEST_GROUP} of these {len(rows):,} customers in its cluster "
            f"{int(sizes.argmin())}: nothing can be told of it",
            hint="give the data that it was fitted on, or newer ones like them, with features in the same units",
        )
    arrays = _with_residual(arrays, rows)
    fitted = measure(pipeline, arrays, rows, arrays.space(rows), labels, configuration, kept, tie=tie)
    columns = foreign.columns
    imported = Imported(
        sha256=foreign.guest.sha256,
        scikit_learn=described.made_by,
        steps=told(described.pipeline),
        features=tuple(zip(columns.theirs, columns.names, strict=True)),
        clusters=tuple(range(len(arrays.centroids))),
    )
    seen = alike(foreign.folded.seen, columns.names, arrays.prepare(rows))
    return replace(fitted, imported=imported, alike=seen)


def _unbounded(arrays: Arrays) -> npt.NDArray[np.bool_]:
    """Features whose logarithm is taken, and that no clip keeps above -1."""
    return arrays.log_mask & ~(arrays.lower > -1)


def _refuse_negative(customers: pd.DataFrame, arrays: Arrays) -> None:
    for name in customers.columns[_unbounded(arrays)]:
        below = int((customers[name] < 0).sum())
        if below:
            raise UnusableDataError(
                f"the Pipeline takes log1p of {name}, and {below:,} of {len(customers):,} customers have less than 0",
                hint="give data like those that it was fitted on, or clip the feature before its logarithm is taken",
            )


def _with_residual(arrays: Arrays, rows: Floats) -> Arrays:
    prepared = arrays.prepare(rows)
    spread = prepared.std(axis=0)
    matrix, offset = outside(arrays.matrix, prepared.mean(axis=0), np.where(spread > 0, spread, 1.0))
    return replace(arrays, residual_matrix=matrix, residual_offset=offset)


def _prove(foreign: Foreign, rows: Floats, labels: Ints, tie: float) -> None:
    described = foreign.guest.described
    scores = score(foreign.folded.arrays, rows)
    sure = scores.margin > tie
    wrong = int(((foreign.guest.predict(rows) != scores.segment) & sure).sum())
    if wrong:
        other = described.made_by not in (None, described.here)
        raise ForeignPipelineError(
            f"its own predict puts {wrong:,} of {len(rows):,} customers elsewhere than its numbers say",
            hint=f"it was fitted by scikit-learn {described.made_by} and asked under {described.here}: fit it anew"
            if other
            else "something in it was changed after it was fitted: fit it anew, and dump it then",
        )
    if ((labels != scores.segment) & sure).any():
        raise InconsistentModelError(
            "the Pipeline that was rebuilt says other than its arrays", hint="this is a defect; nothing was published"
        )


def _variance_kept(pipeline: Pipeline, customers: pd.DataFrame) -> float:
    """Share of the variance of these customers that PCA keeps; 1 without."""
    kept: float = 1.0
    values: object = customers
    for _, step in pipeline.steps[:-1]:
        if isinstance(step, str):
            continue
        after = np.asarray(step.transform(values), dtype=np.float64)
        if hasattr(step, "components_"):
            before = np.asarray(values, dtype=np.float64)
            total = float(before.var(axis=0).sum())
            projected = float((before @ step.components_.T).var(axis=0).sum())
            kept *= min(1.0, projected / total) if total > 0 else 1.0
        values = after
    return kept
