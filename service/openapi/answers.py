"""What the routes answer, as types: for the description; a test holds the answers against them."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from segmentation.card import CardFeature, Counts, Metrics
from segmentation.histories import Moment
from segmentation.imported import Imported
from segmentation.segment import RuleSegment
from segmentation.tables import TableName


class Alive(msgspec.Struct):
    """The process answers."""

    status: str


class Ready(msgspec.Struct):
    """There is a model.

    Parameters
    ----------
    refresh_failure
        Why the last look for a newer model failed; left out, as the next two are, where it did not.
    refresh_failure_code
        The same for programs.
    refresh_failing_since
        When looks began to fail.
    api_keys_failure
        Why the file of API keys as it is now is not in use; left out where it is.
    """

    status: str
    model_version: str
    refresh_failure: str | UnsetType = UNSET
    refresh_failure_code: str | UnsetType = UNSET
    refresh_failing_since: Moment | UnsetType = UNSET
    api_keys_failure: str | UnsetType = UNSET


class SegmentList(msgspec.Struct):
    """Every segment of the live model: those by clustering, then those by rule."""

    model_version: str
    segments: list[Any]


class OneSegment(msgspec.Struct):
    """One segment of the live model."""

    model_version: str
    segment: Any


class LiveModelAnswer(msgspec.Struct):
    """The live model.

    Parameters
    ----------
    created_at, as_of, loaded_at
        When it was made, the moment its customers were looked at from, and when this process began to serve it.
    age_seconds
        Since it was made.
    source, table
        Name of the source of its training data, and what raw rows may be sent: orders, events, or none (profiles).
    k
        Number of segments by clustering.
    left_out
        Why features that were asked for are not among the model's.
    imported
        The Pipeline that was fitted elsewhere and brought in; null for a model of the job's own.
    """

    model_version: str
    created_at: str
    as_of: str
    age_seconds: float
    loaded_at: Moment
    source: str
    table: TableName
    counts: Counts
    metrics: Metrics
    k: int
    rule_segments: list[RuleSegment]
    features: list[CardFeature]
    left_out: dict[str, str]
    imported: Imported | None


class AlgorithmEntry(msgspec.Struct):
    """A clusterer, and where its results are.

    Parameters
    ----------
    computed, reason
        Whether it was computed on the model's customers, and where not, why.
    inductive
        Whether it can say the cluster of a customer whom it has not seen.
    score, plot
        Paths; no plot where there is none.
    """

    algorithm: str
    computed: bool
    reason: str
    inductive: bool
    score: str
    plot: str | None


class AlgorithmList(msgspec.Struct):
    """The clusterers of the field."""

    model_version: str
    algorithms: list[AlgorithmEntry]
