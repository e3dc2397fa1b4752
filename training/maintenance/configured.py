"""The block `maintenance` of the configuration. No scikit-learn: it is read by every command."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta


@dataclass(frozen=True, slots=True)
class Maintenance:
    """How history is replayed, and what the contract is made of; see docs/maintenance.md.

    Parameters
    ----------
    origins
        Models that are aged, where the command does not say of which days.
    customers
        Whom two models are compared on: everybody known at the step, or whoever was known at the origin.
    seeds, bootstraps
        Refits of an origin's customers with other seeds, and on bootstrap samples of them: the noise floor.
    warm_starts
        Whether a refit may begin from the one before it, where that is known to make no difference.
    days_per_retraining, days_per_year
        Working days that a retraining takes somebody, and that the model takes in a year besides; None: not told.
    day_rate, currency
        Price of a working day; None: not told.
    start_at
        Time of day, UTC, at which the job is to start.
    """

    origins: Annotated[int, Meta(ge=1, le=100)] = 5
    customers: Literal["all", "origin"] = "all"
    seeds: Annotated[int, Meta(ge=1, le=1000)] = 5
    bootstraps: Annotated[int, Meta(ge=2, le=1000)] = 20
    warm_starts: bool = True
    days_per_retraining: Annotated[float, Meta(gt=0, le=366)] | None = None
    days_per_year: Annotated[float, Meta(ge=0, le=366)] = 0.0
    day_rate: Annotated[float, Meta(gt=0, le=1e9)] | None = None
    currency: Annotated[str, Meta(min_length=1, max_length=10, pattern=r"\S")] = "EUR"
    start_at: Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "03:30"
