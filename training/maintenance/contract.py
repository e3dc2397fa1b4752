"""The maintenance contract: a schedule that cron can keep, how often that is, what it costs."""

from dataclasses import dataclass

from training.maintenance.configured import Maintenance
from training.maintenance.results import Contract, Recommendation

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rhythm.

    Parameters
    ----------
    longest_gap_days
        The most days between two runs.
    days
        Day of month, month and day of week, as cron takes them.
    in_words
        For people.
    per_year
        Runs, on average.
    """

    longest_gap_days: int
    days: str
    in_words: str
    per_year: float


SCHEDULES = (
    Schedule(366, "1 1 *", "on 1 January", 1.0),
    Schedule(184, "1 1,7 *", "on 1 January and 1 July", 2.0),
    Schedule(92, "1 */3 *", "on the first day of every quarter", 4.0),
    Schedule(62, "1 */2 *", "on the first day of every second month", 6.0),
    Schedule(31, "1 * *", "on the first day of every month", 12.0),
    Schedule(17, "1,15 * *", "on the 1st and the 15th of every month", 24.0),
    Schedule(7, "* * 1", "every Monday", round(DAYS_PER_YEAR / 7, 2)),
    Schedule(1, "* * *", "every day", DAYS_PER_YEAR),
)
"""The rarest first. Cron knows no "every 49 days": the rarest is taken whose longest gap is within the days."""


def contract(recommendation: Recommendation, settings: Maintenance) -> Contract | None:
    """What follows from a recommendation.

    Parameters
    ----------
    recommendation
        Of a replay.
    settings
        Effort and rate.

    Returns
    -------
    Contract
        None where the recommendation gives no days.
    """
    days = recommendation.days
    if days is None:
        return None
    schedule = next(each for each in SCHEDULES if each.longest_gap_days <= days)
    hour, minute = settings.start_at.split(":")
    effort = None
    if settings.days_per_retraining is not None:
        effort = round(schedule.per_year * settings.days_per_retraining + settings.days_per_year, 2)
    return Contract(
        schedule=f"{int(minute)} {int(hour)} {schedule.days}",
        in_words=f"{schedule.in_words} at {settings.start_at} UTC",
        longest_gap_days=schedule.longest_gap_days,
        retrainings_per_year=schedule.per_year,
        effort_days_per_year=effort,
        price_per_year=None if effort is None or settings.day_rate is None else round(effort * settings.day_rate, 2),
        currency=settings.currency,
    )
