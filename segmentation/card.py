"""The model card: everything about a model that is not the Pipeline, and no customer's row."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from segmentation.drift import Drift, Occasion
from segmentation.errors import InconsistentModelError, SchemaVersionError
from segmentation.evidence import HistoryPoint, Refits, Selection
from segmentation.imported import Imported
from segmentation.lineage import Lineage, Verdict
from segmentation.segment import Quantiles, RuleSegment, Segment
from segmentation.tables import TableName

SCHEMA_VERSION = 4
"""Raised when a reader of the previous schema could misread a card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFeature:
    """One feature as the model uses it; see `segmentation.features.Feature`."""

    name: str
    unit: str
    help: str
    transform: str
    winsorised: bool
    low: float | None
    high: float | None
    lacking: str
    fill: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What one cleaning rule found in the training data."""

    rule: str
    rows: int
    dropped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How good the model is, on the training customers whom no rule segment took.

    Parameters
    ----------
    silhouette, silhouette_standard_error, silhouette_rows
        Mean silhouette in the PCA space; its standard error (0: computed on all rows); customers it was averaged over.
    unstructured, unstructured_standard_deviation
        The silhouette that KMeans reaches with as many segments on customers without structure, spread evenly over a
        box with the same covariance, and how much it differs between draws.
    inertia
        Sum of squared distances to the nearest centroid in the PCA space.
    variance_kept, components
        Share of variance that PCA kept, and in how many components.
    near_ties
        Training customers with a margin under 1e-9, on whom the Pipeline and the arrays may differ.
    """

    silhouette: float
    silhouette_standard_error: float
    silhouette_rows: int
    unstructured: float
    unstructured_standard_deviation: float
    inertia: float
    variance_kept: float
    components: int
    near_ties: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the model was trained on: rows of its canonical table; None where that has no orders, or no time."""

    rows: int
    customers: int
    orders: int | None
    one_order_customers: int | None
    earliest: str | None
    latest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRow:
    """A synthetic feature row and what the Pipeline says of it, or what a rule says: then without distances."""

    features: tuple[float, ...]
    segment: int
    distance: float | None
    residual: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenHistory:
    """A synthetic customer's rows of the canonical table, their features, and what the Pipeline or a rule says."""

    as_of: str
    rows: tuple[dict[str, Any], ...]
    features: tuple[float, ...]
    segment: int
    distance: float | None
    residual: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The model card.

    Parameters
    ----------
    version
        Of the model; sorts by time of creation.
    created_at, as_of
        When the model was made, and the moment from which its customers were looked at; ISO 8601, UTC.
    source, table
        Name of the source of its training data, and which canonical table features are made of.
    cleaning
        What each cleaning rule found.
    features, left_out
        Its features, in the order of the arrays; and why others of those asked for are not among them.
    population
        Quantiles by feature of everybody, for comparison with the segments' profiles.
    rank_correlation
        Spearman's, between each two features over the clustered customers, to three decimals; in the features' order.
    segments, rule_segments
        In the order of the centroids; and those by rule, asked first, in their order.
    next_id
        The id that the next new segment gets: ids are never given twice.
    refits
        How far refits of the same data agree.
    selection
        How the number of segments was chosen; None where the configuration said it.
    lineage, gate
        What became of the previous model's segments, and whether this model may take its place; None where it was not
        asked.
    history
        The stability curve that a minimum history was chosen by; empty where none was.
    drift
        What later customers are compared with.
    one_order
        By feature, the share of its variance among clustered one-order customers that lies between segments (eta
        squared); empty where there are no orders, or no such customers.
    configuration
        The job's configuration, whole.
    libraries
        Versions of what made the model.
    files
        SHA-256 (hex) by file name, of every other file of the version.
    imported
        What the Pipeline was made from that was fitted elsewhere; None: it was fitted on these data.
    occasion
        Why it was made; None where nobody asked whether it was needed.
    """

    schema_version: int
    version: str
    created_at: str
    as_of: str
    source: str
    table: TableName
    counts: Counts
    cleaning: tuple[Cleaning, ...]
    features: tuple[CardFeature, ...]
    left_out: dict[str, str]
    population: dict[str, Quantiles]
    rank_correlation: tuple[tuple[float, ...], ...]
    segments: tuple[Segment, ...]
    rule_segments: tuple[RuleSegment, ...]
    next_id: int
    metrics: Metrics
    refits: Refits
    selection: Selection | None
    lineage: Lineage | None
    gate: Verdict | None
    history: tuple[HistoryPoint, ...]
    drift: Drift
    one_order: dict[str, float]
    golden_rows: tuple[GoldenRow, ...]
    golden_histories: tuple[GoldenHistory, ...]
    configuration: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, str]
    imported: Imported | None = None
    occasion: Occasion | None = None

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.segments)

    @property
    def all_segments(self) -> tuple[Segment | RuleSegment, ...]:
        """Segments by clustering, then those by rule."""
        return (*self.segments, *self.rule_segments)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the arrays."""
        return tuple(feature.name for feature in self.features)


class _Header(msgspec.Struct):
    schema_version: int


def encode(card: Card) -> bytes:
    """The card as JSON, the same bytes for the same card.

    Parameters
    ----------
    card
        The card.

    Returns
    -------
    bytes
        Content of `card.json`, indented, UTF-8.
    """
    return msgspec.json.format(msgspec.json.encode(card, order="deterministic"), indent=2) + b"\n"


def decode(content: bytes) -> Card:
    """Read a card.

    Parameters
    ----------
    content
        Content of `card.json`.

    Returns
    -------
    Card
        The card.

    Raises
    ------
    SchemaVersionError
        The card is of another schema.
    InconsistentModelError
        It is not a card.
    """
    try:
        found = msgspec.json.decode(content, type=_Header).schema_version
        if found != SCHEMA_VERSION:
            raise SchemaVersionError(
                f"card.json is of schema {found}; this release reads {SCHEMA_VERSION}",
                hint="upgrade the service" if found > SCHEMA_VERSION else "train the model again",
            )
        return msgspec.json.decode(content, type=Card)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InconsistentModelError(f"card.json cannot be read: {error}", hint="publish the model again") from error


def digest(content: bytes) -> str:
    """SHA-256 of a file.

    Parameters
    ----------
    content
        The file's bytes.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return sha256(content).hexdigest()


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file, by name.

    Parameters
    ----------
    files
        Content by file name.

    Returns
    -------
    dict of str to str
        Sorted by name.
    """
    return {name: digest(files[name]) for name in sorted(files)}
