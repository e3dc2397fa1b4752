"""The sections of the configuration, one for each step; see docs/configuration.md for what their keys mean to users."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from segmentation.rules import FIRST_ID, Condition


@dataclass(frozen=True, slots=True)
class Sample:
    """The generated shop of the source `sample`."""

    customers: Annotated[int, msgspec.Meta(ge=100, le=20_000_000)] = 6_000
    seed: Annotated[int, msgspec.Meta(ge=0)] = 7


@dataclass(frozen=True, slots=True)
class Silhouette:
    """How the silhouette is measured.

    Parameters
    ----------
    exact_up_to
        Up to this many customers every one's own silhouette is computed.
    rows
        Above it: of how many, drawn from each segment by its share.
    """

    exact_up_to: Annotated[int, msgspec.Meta(ge=0)] = 100_000
    rows: Annotated[int, msgspec.Meta(ge=100)] = 20_000


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\S")]
"""What a segment may be called."""


@dataclass(frozen=True, slots=True)
class DeclaredSegment:
    """A segment by condition instead of by clustering.

    Parameters
    ----------
    name
        How it is called.
    when
        Conditions that must all hold.
    id
        1001 to 1999, never to be given to another segment: campaigns hang on it.
    """

    id: Annotated[int, msgspec.Meta(ge=FIRST_ID + 1, lt=2 * FIRST_ID)]
    name: Name
    when: Annotated[tuple[Condition, ...], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Stability:
    """How the minimum history is chosen where it is `auto`; see `training.history`.

    Parameters
    ----------
    agreement
        Cohen's kappa between the segment after n events and after all of them that is enough.
    rows
        Customers looked at, at most.
    """

    agreement: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.6
    rows: Annotated[int, msgspec.Meta(ge=1_000)] = 20_000


@dataclass(frozen=True, slots=True)
class SelectionLimits:
    """How the number of segments is chosen where `clustering.k` is auto; see `training.selection`.

    Parameters
    ----------
    least, most
        Numbers tried, both included.
    rows
        Customers looked at, at most.
    smallest_share, largest_share
        Shares of customers that a segment must have, and must not exceed.
    stability
        Jaccard similarity that every segment must keep in refits.
    """

    least: Annotated[int, msgspec.Meta(ge=2, le=100)] = 2
    most: Annotated[int, msgspec.Meta(ge=2, le=100)] = 10
    rows: Annotated[int, msgspec.Meta(ge=1_000)] = 15_000
    smallest_share: Annotated[float, msgspec.Meta(ge=0, lt=0.5)] = 0.005
    largest_share: Annotated[float, msgspec.Meta(gt=0.5, le=1)] = 0.9
    stability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.75


@dataclass(frozen=True, slots=True)
class Refitting:
    """How the model is refitted to see how far refits agree; see `training.stability`.

    Parameters
    ----------
    times
        Bootstrap samples.
    rows
        Customers that each refit sees, at most.
    """

    times: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 20
    rows: Annotated[int, msgspec.Meta(ge=1_000)] = 10_000


@dataclass(frozen=True, slots=True)
class Calibration:
    """How drift statistics are calibrated; see docs/drift.md.

    Parameters
    ----------
    windows
        Windows of the training customers that are drawn.
    """

    windows: Annotated[int, msgspec.Meta(ge=1_000, le=1_000_000)] = 6_000


@dataclass(frozen=True, slots=True)
class Retraining:
    """When `run --if-needed` makes a new model; see docs/drift.md.

    Parameters
    ----------
    max_age_days
        Age of the live model from which on it is replaced: what `maintenance` recommends. None: age is no reason.
    level
        Of the drift statistics: how sure one must be.
    psi
        What a PSI must reach besides. Among many customers one is sure of changes that matter to nobody.
    """

    max_age_days: Annotated[float, msgspec.Meta(gt=0, le=36_600)] | None = None
    level: Literal["calibration", "alert"] = "alert"
    psi: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.1


@dataclass(frozen=True, slots=True)
class Report:
    """The page of pictures that is published with the model; see `training.report`.

    Parameters
    ----------
    points
        Customers shown in scatter and silhouette plots, about as many from each segment as it has of all.
    tsne_rows, perplexity
        Customers brought to a plane by t-SNE, the dearest of the pictures; 0: it is left out. About how many
        neighbours each of them is kept near.
    """

    points: Annotated[int, msgspec.Meta(ge=100, le=20_000)] = 3_000
    tsne_rows: Annotated[int, msgspec.Meta(ge=0, le=2_000)] = 800
    perplexity: Annotated[float, msgspec.Meta(ge=2, le=100)] = 30


@dataclass(frozen=True, slots=True)
class Gate:
    """What a model must be like to go live; see `training.gate` and docs/retraining.md.

    Parameters
    ----------
    structure
        By how much the silhouette must exceed that of customers without any structure; None: it need not, customers
        are divided because they must be.
    smallest_share
        Share of the clustered customers that every segment needs.
    stability
        Jaccard similarity under refits, on average over customers, that is needed; and by segment, below which it is
        said to dissolve.
    stability_drop
        By how much that may be less than the live model's.
    silhouette_drop
        By how much the silhouette may be less than the live model's on the same customers, beyond its error.
    moved, moved_noise
        Share of customers who may change segments on one day; or so many times what refits of the same data move,
        where that is more.
    fewest
        Share of the live model's customers, and of its rows, that must be there.
    relations
        Share of its relations to other features that every feature must keep.
    """

    structure: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = 0.02
    smallest_share: Annotated[float, msgspec.Meta(ge=0, lt=0.5)] = 0.002
    stability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    stability_drop: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    silhouette_drop: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.02
    moved: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    moved_noise: Annotated[float, msgspec.Meta(ge=0)] = 3.0
    fewest: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.7
    relations: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
