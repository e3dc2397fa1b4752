"""Customers to a fitted model: the Pipeline, its arrays proved equal, its labels and how good it is."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial.distance import pdist
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from segmentation.card import Metrics
from segmentation.errors import InconsistentModelError, UnusableDataError
from segmentation.evidence import Refits, Selection
from segmentation.features import Feature
from segmentation.imported import Imported
from segmentation.lineage import Check
from segmentation.pipeline import cluster, fold, prepare
from segmentation.privacy import SMALLEST_GROUP
from segmentation.recipe import Entry
from segmentation.scoring import Arrays, Floats, Scores, score
from training import progress
from training.configuration import Configuration
from training.populations import HISTORY
from training.selection import choose_k
from training.silhouette import silhouette
from training.stability import refits
from training.unstructured import unstructured

FEWEST = 2
"""Segments of a model, at least."""

NEAREST = 1e-7
"""Distance between centroids, as a share of the largest coordinate, under which distances are rounding."""

EXTREMES = (
    "look for numbers that stand for a missing value (file.missing in the mapping), or winsorise the features in which "
    "a few are far from all others"
)

TIE = 1e-9
"""Relative margin under which rounding decides between two segments."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A fitted model and what it says of the customers it was fitted on.

    Parameters
    ----------
    pipeline
        winsorise, log1p, scale, pca, kmeans; without training labels.
    arrays
        The same, folded.
    labels
        The Pipeline's segment of each customer, int64, shape (n,).
    scores
        The arrays' answer for each customer.
    metrics
        How good it is.
    silhouettes
        Mean silhouette of each segment, float64, shape (k,).
    refits
        How far refits of the same customers agree.
    selection
        How the number of segments was chosen; None where it was given.
    imported
        What the Pipeline was made from that was fitted elsewhere; None: it was fitted here.
    alike
        Of such a one, whether these customers are like those that it was fitted on; None where it cannot tell.
    """

    pipeline: Pipeline
    arrays: Arrays
    labels: npt.NDArray[np.int64]
    scores: Scores
    metrics: Metrics
    silhouettes: Floats
    refits: Refits
    selection: Selection | None
    imported: Imported | None = None
    alike: Check | None = None

    def reordered(self, order: Sequence[int]) -> "Fitted":
        """The same model with its segments in another order.

        Parameters
        ----------
        order
            Present position of each segment, in the order that they are to have.

        Returns
        -------
        Fitted
            Pipeline, arrays and labels agree on the new positions.
        """
        positions = np.asarray(order, dtype=np.int64)
        place = np.argsort(positions)
        pipeline = deepcopy(self.pipeline)
        kmeans = pipeline[-1]
        kmeans.cluster_centers_ = np.ascontiguousarray(kmeans.cluster_centers_[positions])
        imported = self.imported
        if imported is not None:
            imported = replace(imported, clusters=tuple(imported.clusters[position] for position in positions.tolist()))
        return replace(
            self,
            imported=imported,
            pipeline=pipeline,
            arrays=replace(self.arrays, centroids=np.ascontiguousarray(self.arrays.centroids[positions])),
            labels=place[self.labels],
            scores=replace(self.scores, segment=place[self.scores.segment], runner_up=place[self.scores.runner_up]),
            silhouettes=self.silhouettes[positions],
            refits=replace(self.refits, stability=tuple(self.refits.stability[position] for position in positions)),
        )


def train(
    customers: pd.DataFrame,
    features: Sequence[Feature],
    configuration: Configuration,
    start: npt.NDArray[np.int64] | None = None,
) -> Fitted:
    """Fit the model and prove that its arrays say what its Pipeline says.

    Parameters
    ----------
    customers
        One row per customer whom no rule takes, float64; columns as `features`.
    features
        How each enters the model.
    configuration
        Preprocessing, number of segments, seeds.
    start
        The live model's segments of these customers, which KMeans begins from as well; see `segmentation.pipeline`.

    Returns
    -------
    Fitted
        The model.

    Raises
    ------
    UnusableDataError
        There are too few different customers for so many segments, or a segment is too small to be told.
    InconsistentModelError
        Pipeline and arrays disagree: a defect.
    """
    asked = configuration.clustering.k
    k = configuration.selection.least if asked == "auto" else asked
    different = len(customers.drop_duplicates())
    if different < k or len(customers) < k * SMALLEST_GROUP:
        raise UnusableDataError(
            f"{len(customers):,} customers to cluster, {different:,} of them different, are too few for {k} segments",
            hint=f"a segment needs at least {SMALLEST_GROUP} customers: lower clustering.k, give more data, or let "
            "minimum_history and rule_segments take fewer",
        )
    seed = configuration.seed
    with progress.step("preparing"), threadpool_limits(limits=1):
        prepared = prepare(customers, entries(features), configuration.preprocessing)
        space = np.ascontiguousarray(prepared.transform(customers), dtype=np.float64)
    selection = None
    if asked == "auto":
        with progress.step("choosing the number of segments"):
            selection = choose_k(
                space,
                configuration.selection,
                configuration.refits,
                n_init=configuration.clustering.n_init,
                seed=seed,
                repeat=_repeat(customers),
            )
        k = selection.k
    with progress.step("clustering"):
        pipeline = cluster(prepared, space, k, configuration.clustering, seed, start)
    _refuse_drowned(pipeline["kmeans"].cluster_centers_, space)
    with threadpool_limits(limits=1):
        labels = pipeline.predict(customers).astype(np.int64)
    pca = pipeline.named_steps.get("pca")
    variance_kept = 1.0 if pca is None else float(pca.explained_variance_ratio_.sum())
    return measure(
        pipeline, fold(pipeline), customers.to_numpy(), space, labels, configuration, variance_kept, selection
    )


def measure(
    pipeline: Pipeline,
    arrays: Arrays,
    rows: Floats,
    space: Floats,
    labels: npt.NDArray[np.int64],
    configuration: Configuration,
    variance_kept: float,
    selection: Selection | None = None,
    tie: float = TIE,
) -> Fitted:
    """Prove that a model's arrays say what its Pipeline says, and find out how good it is.

    Parameters
    ----------
    pipeline, arrays
        The model.
    rows, space
        The customers, float64, shape (n, d); and in the model's space, shape (n, p).
    labels
        The Pipeline's segment of each.
    configuration
        How the silhouette is measured, and how often the model is refitted.
    variance_kept, selection
        See `Metrics` and `Fitted`.
    tie
        Relative margin under which rounding decides between two segments.

    Returns
    -------
    Fitted
        The model.

    Raises
    ------
    UnusableDataError
        A segment is too small to be told.
    InconsistentModelError
        Pipeline and arrays disagree: a defect.
    """
    k, seed, measured = len(arrays.centroids), configuration.seed, configuration.silhouette
    with progress.step("measuring the silhouette"), threadpool_limits(limits=1):
        scores = score(arrays, rows)
        estimate = silhouette(space, labels, exact_up_to=measured.exact_up_to, rows=measured.rows, seed=seed)
        even = unstructured(space, k, seed)
    smallest = int(np.bincount(labels, minlength=k).min())
    if smallest < SMALLEST_GROUP:
        raise UnusableDataError(
            f"with k = {k} a segment has {smallest} customer{'s' if smallest > 1 else ''}, fewer than {SMALLEST_GROUP}",
            hint="lower clustering.k" if selection is None and k > FEWEST else f"give more data, or {EXTREMES}",
        )
    _prove(labels, scores, tie)
    with progress.step("refitting"):
        again = refits(
            space,
            arrays.centroids,
            times=configuration.refits.times,
            rows=configuration.refits.rows,
            restarts=configuration.clustering.n_init,
            seed=seed,
        )
    return Fitted(
        pipeline=pipeline,
        arrays=arrays,
        labels=labels,
        scores=scores,
        metrics=Metrics(
            silhouette=estimate.value,
            silhouette_standard_error=estimate.standard_error,
            silhouette_rows=estimate.rows,
            unstructured=even.silhouette,
            unstructured_standard_deviation=even.standard_deviation,
            inertia=float(np.square(scores.distance).sum()),
            variance_kept=variance_kept,
            components=arrays.centroids.shape[1],
            near_ties=int((scores.margin <= TIE).sum()),
        ),
        silhouettes=np.array(estimate.by_cluster),
        refits=again,
        selection=selection,
    )


def entries(features: Sequence[Feature]) -> list[Entry]:
    """How features enter a pipeline.

    Parameters
    ----------
    features
        In their order.

    Returns
    -------
    list of Entry
        One each.
    """
    return [Entry(feature.name, feature.transform == "log1p", feature.winsorised) for feature in features]


def _repeat(customers: pd.DataFrame) -> npt.NDArray[np.bool_] | None:
    """Who ordered more than once; None where the features do not say."""
    orders = HISTORY["orders"]
    return customers[orders].to_numpy() > 1 if orders in customers.columns else None


def _refuse_drowned(centroids: Floats, space: Floats) -> None:
    if float(pdist(centroids).min()) <= NEAREST * float(np.abs(space).max()):
        places, k = len(np.unique(space, axis=0)), len(centroids)
        if places < k:
            where = f"{places} different place{'s' if places > 1 else ''}"
            raise UnusableDataError(
                f"as the model sees them the customers are at {where}, too few for {k} segments",
                hint=f"{'lower clustering.k' if k > FEWEST else 'give more data'}, or {EXTREMES}",
            )
        raise UnusableDataError(
            "beside a few extreme values the differences of all others are lost in rounding", hint=EXTREMES
        )


def _prove(labels: npt.NDArray[np.int64], scores: Scores, tie: float) -> None:
    wrong = int(((labels != scores.segment) & (scores.margin > tie)).sum())
    if wrong:
        raise InconsistentModelError(
            f"the arrays put {wrong} of {len(labels)} customers elsewhere than the Pipeline does",
            hint="this is a defect of the folding; nothing was published",
        )
