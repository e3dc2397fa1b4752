"""What the algorithms make of a model's customers: one score and one picture each, for `run` and for `compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from segmentation.scores import SCORES, AlgorithmScore, encode, not_computed
from segmentation.scoring import Floats
from training import progress
from training.agreement import Ints
from training.algorithms import ALGORITHMS, K_MEANS, Algorithm, Budget, Value, find
from training.algorithms.found import Tree
from training.algorithms.running import Labelling, run
from training.comparison.plane import Plane, plane
from training.comparison.quality import agreement, quality
from training.comparison.repeatability import repeatability
from training.comparison.scatter import groups, scatter
from training.comparison.verdicts import verdict
from training.report import drawing

if TYPE_CHECKING:
    import pandas as pd

    from segmentation.segment import Segment
    from training.configuration import Configuration
    from training.fitting import Fitted

NOT_ASKED = "comparison.algorithms of the configuration does not name it"


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The customers whom all algorithms see, in one space.

    Parameters
    ----------
    space
        The model's, float64, shape (n, p).
    labels
        The model's, int64, shape (n,).
    ids, names, colours
        Of the model's segments.
    plane
        In which divisions are drawn.
    imported
        Whether the model was fitted elsewhere.
    """

    space: Floats
    labels: Ints
    ids: tuple[int, ...]
    names: tuple[str, ...]
    colours: tuple[str, ...]
    plane: Plane
    imported: bool = False

    @property
    def k(self) -> int:
        """Number of segments of the model, asked of algorithms that need one."""
        return len(self.names)


@dataclass(frozen=True, slots=True, eq=False)
class Assessed:
    """An algorithm's division of the customers.

    Parameters
    ----------
    score
        What it is worth; its plot is named by whoever writes it.
    labels
        int64, shape (n,); None where there is no division.
    tree
        Of a linkage.
    """

    score: AlgorithmScore
    labels: Ints | None
    tree: Tree | None


def subject(fitted: Fitted, customers: pd.DataFrame, segments: Sequence[Segment]) -> Subject:
    """Bring a model's customers into its space.

    Parameters
    ----------
    fitted
        The model.
    customers
        Whom it was fitted on, columns its features.
    segments
        In the order of the centroids.

    Returns
    -------
    Subject
        What algorithms are compared on.
    """
    rows = customers.to_numpy()
    space = fitted.arrays.space(rows)
    return Subject(
        space=space,
        labels=fitted.labels,
        ids=tuple(segment.id for segment in segments),
        names=tuple(segment.name for segment in segments),
        colours=tuple(segment.colour for segment in segments),
        plane=plane(space, fitted.arrays.prepare(rows), list(customers.columns), fitted.metrics.variance_kept),
        imported=fitted.imported is not None,
    )


def divide(
    algorithm: Algorithm, on: Subject, configuration: Configuration, budget: Budget, parameters: dict[str, Value]
) -> Labelling:
    """An algorithm's division of the customers; k-means's is the model's own.

    Parameters
    ----------
    algorithm, parameters
        What runs.
    on
        The customers.
    configuration
        Of the run.
    budget
        What it may take.

    Returns
    -------
    Labelling
        Labels, or why there are none.
    """
    if algorithm.name == K_MEANS:
        used: dict[str, Value] = {} if on.imported else {"n_init": configuration.clustering.n_init}
        notes = ("the model itself, imported" if on.imported else "the model itself",)
        return Labelling(algorithm, on.labels, "exact", len(on.space), used, notes, "", 0.0, None, None)
    k = on.k
    return run(algorithm, on.space, k, parameters=parameters, budget=budget, seed=configuration.seed)


def assess(
    labelling: Labelling, on: Subject, configuration: Configuration, budget: Budget, parameters: dict[str, Value]
) -> Assessed:
    """Measure a division, and how far the algorithm finds it again.

    Parameters
    ----------
    labelling
        From `divide`.
    on, configuration, budget, parameters
        As for `divide`.

    Returns
    -------
    Assessed
        Its score.
    """
    algorithm, comparison = labelling.algorithm, configuration.comparison
    n = len(on.space)
    if labelling.labels is None:
        refused = not_computed(algorithm.name, inductive=algorithm.inductive, n_rows=n, reason=labelling.refusal)
        return Assessed(refused, None, None)
    measured = configuration.silhouette
    found = quality(
        on.space, labelling.labels, exact_up_to=measured.exact_up_to, rows=measured.rows, seed=configuration.seed
    )
    again = repeatability(
        algorithm, on.space, on.k, parameters=parameters, budget=budget,
        runs=comparison.stability_runs, rows=comparison.stability_rows, seed=configuration.seed,
    )  # fmt: skip
    score = AlgorithmScore(
        algorithm=algorithm.name,
        computed=True,
        reason="",
        silhouette_score=found.silhouette.value if found.silhouette else None,
        standard_error=found.silhouette.standard_error if found.silhouette else None,
        silhouette_with_noise=found.silhouette_with_noise,
        n_clusters=found.n_clusters,
        small_clusters=found.small_clusters,
        n_noise=found.n_noise,
        coverage=found.coverage,
        n_rows=n,
        # Exact, they would tell the size of a cluster of a few by subtraction.
        largest_share=round(found.largest_share, 2),
        balance=round(found.balance, 2),
        stability=again,
        agreement=agreement(labelling.labels, on.labels),
        form=labelling.form,
        rows_clustered=labelling.rows,
        extended=labelling.extended,
        inductive=algorithm.inductive,
        parameters={name: _plain(value) for name, value in labelling.parameters.items()},
        notes=labelling.notes,
        verdict=verdict(found, again),
        plot="",
    )
    return Assessed(score, labelling.labels, labelling.tree)


def picture(assessed: Assessed, on: Subject, seed: int) -> bytes:
    """A division as a scatter.

    Parameters
    ----------
    assessed
        With labels.
    on
        The customers.
    seed
        Of the sample drawn.

    Returns
    -------
    bytes
        A PNG.
    """
    if assessed.labels is None:
        raise ValueError(f"{assessed.score.algorithm} has no labels to draw")
    if assessed.score.algorithm == K_MEANS:
        drawn = groups(assessed.labels, on.colours, ids=on.ids, names=on.names)
    else:
        drawn = groups(assessed.labels, on.colours, likeness=on.labels)
    return scatter(_title(assessed.score), on.space, on.plane, drawn, seed)


def evaluate(
    fitted: Fitted, customers: pd.DataFrame, segments: Sequence[Segment], configuration: Configuration
) -> dict[str, bytes]:
    """The files about algorithms that are published with a model.

    Parameters
    ----------
    fitted
        The model.
    customers
        Whom it was fitted on.
    segments
        In the order of the centroids.
    configuration
        Its `comparison` says which algorithms.

    Returns
    -------
    dict of str to bytes
        `scores.json` and `plots/<algorithm>.png`; the same bytes for the same model. Empty where no algorithm is asked
        for.
    """
    comparison = configuration.comparison
    if not comparison.algorithms:
        return {}
    on = subject(fitted, customers, segments)
    quick = {each.name: _quick(each, comparison.published_rows) for each in ALGORITHMS}
    budget = Budget(megabytes=comparison.megabytes, rows=quick | dict(comparison.rows))
    files: dict[str, bytes] = {}
    scores = []
    for algorithm in ALGORITHMS:
        if algorithm.name not in comparison.algorithms:
            scores.append(
                not_computed(algorithm.name, inductive=algorithm.inductive, n_rows=len(on.space), reason=NOT_ASKED)
            )
            continue
        parameters = dict(comparison.parameters.get(algorithm.name, {}))
        with progress.step(f"comparing with {algorithm.name}"):
            assessed = assess(
                divide(algorithm, on, configuration, budget, parameters), on, configuration, budget, parameters
            )
        if assessed.labels is None:
            scores.append(assessed.score)
            continue
        name = f"plots/{algorithm.name}.png"
        files[name] = picture(assessed, on, configuration.seed)
        scores.append(replace(assessed.score, plot=name))
    return {SCORES: encode(scores)} | files


def _quick(algorithm: Algorithm, rows: int) -> int:
    """Rows for an algorithm in `run`: no more than it takes anyway, and no limit for those that have none."""
    limit = algorithm.exact_up_to
    return np.iinfo(np.int64).max if limit is None else min(limit, rows)


def _title(score: AlgorithmScore) -> str:
    said = find(score.algorithm).title
    if score.silhouette_score is not None:
        error = f" ± {score.standard_error:.3f}" if score.standard_error else ""
        said += f": silhouette {score.silhouette_score:.3f}{error}"
    if score.n_noise:
        said += f", {drawing.percent(score.coverage or 0)} of customers in clusters"
    return said + (f"; extended from {score.rows_clustered:,} customers" if score.extended else "")


def _plain(value: Value) -> Value:
    """A number of numpy's as Python's."""
    return value.item() if isinstance(value, np.generic) else value
