"""What a replay found, as it stands in `maintenance.json`; see docs/maintenance.md for how to read it."""

from dataclasses import dataclass
from typing import Literal

BOUND = 0.90
"""Every `low` and `high` is a one-sided bound: nine in ten lie beyond it, on the side of the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model of the origin beside one of a later day, on the customers of that day.

    Parameters
    ----------
    date, age_days
        The day, and how old the model is then.
    customers
        Compared.
    ari, ari_low, ari_high
        Adjusted Rand index of both divisions, and its bounds over bootstrap samples of the customers.
    ari_if_rescaled, ari_if_recentred
        The same if only the preprocessing of the old model were made anew, its centroids left where they are in
        standard deviations; and if only its centroids were, in its own space.
    loss_preprocessing, loss_geometry
        1 - ARI, by cause: half of what each makes good alone, and half of what is left where only the other is made
        anew. Under 0 for what makes things worse.
    jaccard
        By segment of the origin's model: similarity to the most similar segment of the new one.
    moved, moved_revenue
        Share of the customers, and of what they are worth, who change segments when the model is replaced, segments
        named so that most stay.
    migrated, migrated_revenue
        Share of the origin's customers, and of what they are worth, who are in another segment than at the origin by
        the origin's model: they changed, not the model.
    stayed
        By segment at the origin: share of its customers who are in it still, by the origin's model.
    """

    date: str
    age_days: int
    customers: int
    ari: float
    ari_low: float
    ari_high: float
    ari_if_rescaled: float
    ari_if_recentred: float
    loss_preprocessing: float
    loss_geometry: float
    jaccard: tuple[float, ...]
    moved: float
    moved_revenue: float | None
    migrated: float
    migrated_revenue: float | None
    stayed: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseFloor:
    """How far refits of the same customers agree with a model: no age can be told from less.

    Parameters
    ----------
    refits
        With other seeds, and on bootstrap samples, together.
    ari, ari_low, ari_high
        Mean, and the bounds that nine in ten refits are beyond.
    seeds_ari, bootstrap_ari
        Means of the two kinds.
    """

    refits: int
    ari: float
    ari_low: float
    ari_high: float
    seeds_ari: float
    bootstrap_ari: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginSegment:
    """A segment of an origin's model: a name by rule, and its share of the customers."""

    name: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A model and how it aged.

    Parameters
    ----------
    origin
        The moment it was made of.
    customers
        It was made of.
    segments
        The largest first.
    noise_floor
        Of this model.
    points
        By age.
    first_below_days
        The first age at which the ARI is under the threshold; None: there is none in the history.
    """

    origin: str
    customers: int
    segments: tuple[OriginSegment, ...]
    noise_floor: NoiseFloor
    points: tuple[Point, ...]
    first_below_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtAge:
    """All origins at one age that each of them reaches: mean ARI, and the bound that nine in ten models are above."""

    age_days: int
    ari: float
    ari_low: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """How often to retrain.

    Parameters
    ----------
    answer
        every: after `days` at the latest. at-least: the threshold holds for as long as was looked, `days`.
        sooner: it does not hold for one step. none: refits of the same data are under it, the question has no answer.
    days
        None for sooner and none.
    why
        In words.
    by_age
        What it was read off.
    """

    answer: Literal["every", "at-least", "sooner", "none"]
    days: int | None
    why: str
    by_age: tuple[AtAge, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What follows for whoever keeps the model.

    Parameters
    ----------
    schedule
        As CronJobs take it, UTC.
    in_words, longest_gap_days
        The same for people, and the most days between two runs.
    retrainings_per_year
        On average.
    effort_days_per_year, price_per_year, currency
        From `maintenance` in the configuration; None: not told there.
    """

    schedule: str
    in_words: str
    longest_gap_days: int
    retrainings_per_year: float
    effort_days_per_year: float | None
    price_per_year: float | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refitting:
    """How the later models were fitted.

    Parameters
    ----------
    warm_starts
        Whether each began from the one before it instead of from restarts.
    why
        In words.
    compared
        Dates at which a full refit was made as well.
    largest_difference
        Between the ARI with a warm and with a full refit; None where none was made.
    """

    warm_starts: bool
    why: str
    compared: int = 0
    largest_difference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The file `maintenance.json`.

    Parameters
    ----------
    source, first, last
        The history.
    every_days, threshold
        As asked.
    customers
        Compared: all (known at the step) or origin (known at the origin).
    features, left_out
        The same in all models, chosen by the customers of the first origin; and why others are not.
    k
        Number of segments.
    refits
        How the later models were fitted.
    origins, noise_floor, recommendation, contract
        What was found; the floor is over all origins. There is no contract without a number of days.
    """

    source: str
    first: str
    last: str
    every_days: int
    threshold: float
    customers: Literal["all", "origin"]
    features: tuple[str, ...]
    left_out: dict[str, str]
    k: int
    refits: Refitting
    origins: tuple[Origin, ...]
    noise_floor: NoiseFloor
    recommendation: Recommendation
    contract: Contract | None
