"""Every algorithm on the same customers in the same space: one table, one file, one picture each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from segmentation.clock import iso
from segmentation.errors import UnusableDataError
from segmentation.features import select
from segmentation.scores import AlgorithmScore
from segmentation.whole import require_folder, write_all
from training import progress
from training.algorithms import K_MEANS, Algorithm, find
from training.algorithms.running import run
from training.comparison.cost import measured
from training.comparison.dendrogram import dendrogram
from training.comparison.quality import agreement
from training.comparison.search import Tried, search
from training.configuration import Configuration
from training.evaluation import Assessed, Subject, assess, divide, picture, subject
from training.job import Learned, learn, look
from training.profiles import describe
from training.sections import Refitting

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from training.sources import Loaded

TABLE = "comparison.json"

Draw = Callable[[str, bytes], None]
"""What takes a picture, by the name of its file."""

FEW_REFITS = 2
"""Of the models of feature sets: how far refits agree is told of the model itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A line of the table.

    Parameters
    ----------
    score
        What the division is worth; its plot is a file beside the table.
    seconds, megabytes
        What the division took, its measurement not counted; None where nothing ran, or the system does not tell.
    megabytes_foreseen
        The estimate that its form was decided on.
    agreement_with_model
        Adjusted Rand index with the division by the model of the configuration's own features.
    searched
        What a search tried.
    """

    score: AlgorithmScore
    seconds: float | None
    megabytes: float | None
    megabytes_foreseen: float
    agreement_with_model: float | None
    searched: tuple[Tried, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A feature set and what the algorithms make of it.

    Parameters
    ----------
    features, components, variance_kept
        Of its model.
    refused
        Why there is no model of it; empty where there is.
    algorithms
        Its lines.
    """

    features: tuple[str, ...]
    components: int
    variance_kept: float
    refused: str = ""
    algorithms: tuple[Compared, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The file `comparison.json`.

    Parameters
    ----------
    source, as_of, customers, k
        What was compared on: customers whom no rule takes.
    own
        The configuration's own features.
    feature_sets
        By name. Their silhouettes are measured in spaces of their own: fewer features give higher ones, whatever the
        segments are worth.
    """

    source: str
    as_of: str
    customers: int
    k: int
    own: Features
    feature_sets: dict[str, Features] = field(default_factory=dict)


def compare(
    database: Backend,
    loaded: Loaded,
    configuration: Configuration,
    out: Path,
    *,
    as_of: datetime | None = None,
    algorithms: Sequence[Algorithm],
    sets_by: Sequence[Algorithm] = (),
    searching: bool = False,
) -> Comparison:
    """Let algorithms divide a source's customers, and write the table and the pictures.

    Parameters
    ----------
    database, loaded
        The canonical table.
    configuration
        Of the run.
    out
        The folder for `comparison.json`, `<algorithm>.png` and `ward-dendrogram.png`; those of feature sets are in
        folders of their names.
    as_of
        The moment the customers are looked at from, UTC; None: the newest row.
    algorithms
        On the configuration's own features.
    sets_by
        On its feature sets; k-means where none are named.
    searching
        Whether parameters are searched over the declared grids.

    Returns
    -------
    Comparison
        What was written.

    Raises
    ------
    InputError
        The data or the configuration cannot be used, or the folder cannot be written to.
    """
    for names in configuration.comparison.feature_sets.values():
        select(names, loaded.catalogue)
    # A wrong folder should not cost a comparison.
    require_folder(out)
    learned = learn(database, loaded, configuration, as_of)
    on = _subject(learned)
    # Written at the end: pictures of this comparison beside the table of another would belong to nobody.
    files: dict[str, bytes] = {}
    own = _features(learned, on, on, configuration, algorithms, files.__setitem__, searching)
    sets = {
        name: _feature_set(database, loaded, learned, on, names, configuration, sets_by, _into(files, name), searching)
        for name, names in configuration.comparison.feature_sets.items()
    }
    made = Comparison(
        source=loaded.source,
        as_of=iso(learned.snapshot.as_of),
        customers=len(on.space),
        k=on.k,
        own=own,
        feature_sets=sets,
    )
    files[TABLE] = msgspec.json.format(msgspec.json.encode(made), indent=1)
    write_all(out, files)
    return made


def _into(files: dict[str, bytes], folder: str) -> Draw:
    def draw(name: str, png: bytes) -> None:
        files[f"{folder}/{name}"] = png

    return draw


def _subject(learned: Learned) -> Subject:
    segments = describe(learned.snapshot.customers, learned.snapshot.features, learned.populations, learned.fitted)
    return subject(learned.fitted, learned.clustered, segments)


def _features(
    learned: Learned,
    on: Subject,
    model: Subject,
    configuration: Configuration,
    algorithms: Sequence[Algorithm],
    draw: Draw,
    searching: bool,
) -> Features:
    metrics = learned.fitted.metrics
    return Features(
        features=tuple(feature.name for feature in learned.snapshot.features),
        components=metrics.components,
        variance_kept=metrics.variance_kept,
        algorithms=tuple(_compared(algorithm, on, model, configuration, draw, searching) for algorithm in algorithms),
    )


def _compared(
    algorithm: Algorithm, on: Subject, model: Subject, configuration: Configuration, draw: Draw, searching: bool
) -> Compared:
    comparison, k = configuration.comparison, on.k
    parameters, budget = dict(comparison.parameters.get(algorithm.name, {})), comparison.budget
    tried: tuple[Tried, ...] = ()
    with progress.step(algorithm.title):
        if searching and algorithm.name != K_MEANS:
            parameters, tried = search(
                algorithm, on.space, k, parameters=parameters, budget=budget, rows=comparison.stability_rows,
                seed=configuration.seed,
            )  # fmt: skip
        labelling, cost = measured(lambda: divide(algorithm, on, configuration, budget, parameters))
        if algorithm.name == K_MEANS:
            # Its labels are the model's; what they cost is told by fitting it once more.
            _, cost = measured(lambda: run(algorithm, on.space, k, budget=budget, seed=configuration.seed))
        assessed = assess(labelling, on, configuration, budget, parameters)
        if assessed.labels is not None:
            assessed = _drawn(assessed, on, configuration, draw)
    ran = assessed.labels is not None
    return Compared(
        score=assessed.score,
        seconds=cost.seconds if ran else None,
        megabytes=cost.megabytes if ran else None,
        megabytes_foreseen=labelling.megabytes,
        agreement_with_model=None if assessed.labels is None else agreement(assessed.labels, model.labels),
        searched=tried,
    )


def _drawn(assessed: Assessed, on: Subject, configuration: Configuration, draw: Draw) -> Assessed:
    name = f"{assessed.score.algorithm}.png"
    draw(name, picture(assessed, on, configuration.seed))
    if assessed.tree is not None and assessed.score.algorithm == "ward":
        draw("ward-dendrogram.png", dendrogram("Ward: what was joined last", assessed.tree, on.k))
    return replace(assessed, score=replace(assessed.score, plot=name))


def _feature_set(
    database: Backend,
    loaded: Loaded,
    learned: Learned,
    model: Subject,
    names: tuple[str, ...],
    configuration: Configuration,
    algorithms: Sequence[Algorithm],
    draw: Draw,
    searching: bool,
) -> Features:
    """A model of other features, of the same customers."""
    other = replace(configuration, features=names, rule_segments=(), minimum_history=1, refits=Refitting(FEW_REFITS))
    try:
        again = learned.of(look(database, loaded, other, learned.snapshot.as_of), other)
    except UnusableDataError as error:
        return Features(features=names, components=0, variance_kept=0.0, refused=error.message)
    return _features(again, _subject(again), model, other, algorithms or (find(K_MEANS),), draw, searching)
