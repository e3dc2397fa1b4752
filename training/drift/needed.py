"""Whether a new model is needed: the live one's age and configuration, and how far customers have drifted from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from segmentation.assignment import assign, tally
from segmentation.drift import Counts, DriftVerdict, Occasion, Reading, verdict
from segmentation.errors import UnusableDataError
from training import ask, job, progress, snapshot, sources
from training.configuration import Configuration, as_plain
from training.database import open_database

if TYPE_CHECKING:
    from pathlib import Path

    from ibis.backends.duckdb import Backend

    from segmentation.model import Model
    from segmentation.settings import Settings
    from training.heritage import Heritage
    from training.sections import Retraining
    from training.sources import Loaded

SHAPES_THE_MODEL = (
    "seed", "features", "redundant", "missing_values", "cleaning", "minimum_history", "rule_segments", "segment_names",
    "preprocessing", "clustering", "selection", "stability",
)  # fmt: skip
"""Keys of the configuration without which the model would be another one."""

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Need:
    """Whether a new model is needed, and why.

    Parameters
    ----------
    needed, why
        The answer, and its reasons in words.
    version
        Of the live model; None where there is none.
    age_days
        Between the day of the live model and that of these data; None where there is no live model.
    drift
        Of these customers against those that the live model was made of; None where it was not asked.
    """

    needed: bool
    why: str
    version: str | None = None
    age_days: float | None = None
    drift: DriftVerdict | None = None

    @property
    def occasion(self) -> Occasion:
        """The same, for the card of the new model."""
        readings = () if self.drift is None else self.drift.readings
        judged = tuple(reading for reading in readings if reading.verdict != "too few")
        return Occasion(why=self.why, model_age_days=self.age_days, drift=judged)


def make_if_needed(
    source: str,
    data: str | None,
    configuration: Configuration,
    settings: Settings,
    *,
    created: datetime,
    mapping: Path | None = None,
    as_of: datetime | None = None,
    handed: Heritage,
    decided: Callable[[Need], None],
) -> tuple[Need, job.Result | None]:
    """Make a model where one is needed; see `training.job.make`.

    Parameters
    ----------
    source, data, configuration, settings, created, mapping, as_of, handed
        As for `training.job.make`.
    decided
        Is told what was found, before anything is trained.

    Returns
    -------
    need, result
        Whether one is, and the new model if so.

    Raises
    ------
    InputError
        The data or the configuration cannot be used.
    """
    with open_database(settings) as database:
        loaded = sources.load(database, source, data, configuration, mapping)
        need = decide(database, loaded, configuration, handed.model, created=created, as_of=as_of)
        decided(need)
        if not need.needed:
            return need, None
        made = job.make_of(
            database, loaded, configuration, created=created, as_of=as_of, handed=handed, occasion=need.occasion
        )
        return need, made


def decide(
    database: Backend,
    loaded: Loaded,
    configuration: Configuration,
    live: Model | None,
    *,
    created: datetime,
    as_of: datetime | None = None,
) -> Need:
    """Say whether a new model is needed.

    Parameters
    ----------
    database, loaded
        The customers of today.
    configuration
        Of the run: what is asked for, and `retraining`.
    live
        The live model; None: there is none, or it is left on purpose.
    created, as_of
        As for `training.job.make`.

    Returns
    -------
    Need
        The answer, with every reason there is.
    """
    if live is None:
        return Need(True, "no model is live that could stay")
    card, asked = live.card, configuration.retraining
    if as_of is None:
        as_of = created if loaded.shape.moment is None else snapshot.newest(loaded)
    age = (as_of - datetime.fromisoformat(card.as_of)).total_seconds() / SECONDS_PER_DAY
    found, drifted, cannot = None, [], ""
    try:
        counts = count(database, loaded, live, as_of)
        found = verdict(card.drift, counts, asked.level)
        drifted = [reading for reading in found.readings if _matters(reading, asked)]
    except UnusableDataError as error:
        cannot = error.message
    changed = changes(card.configuration, as_plain(configuration))
    reasons = []
    if card.source != loaded.source:
        reasons.append(f"the live model is of {card.source}, these data are of {loaded.source}")
    if changed:
        reasons.append(f"the configuration is another one: {', '.join(changed)}")
    if asked.max_age_days is not None and age >= asked.max_age_days:
        reasons.append(f"the live model is {_days(age)} old, and max_age_days is {asked.max_age_days:g}")
    if cannot:
        reasons.append(f"the live model cannot be asked about these data: {cannot}")
    if drifted:
        reasons.append(f"customers have drifted: {'; '.join(map(_told, drifted))}")
    why = "; ".join(reasons) if reasons else _calm(age, found, asked)
    return Need(bool(reasons), why, version=card.version, age_days=age, drift=found)


def count(database: Backend, loaded: Loaded, model: Model, as_of: datetime) -> dict[str, Counts]:
    """Count today's customers into the bins of a model.

    Parameters
    ----------
    database, loaded
        Where their rows are.
    model
        Whose SQL, arrays and bins are used.
    as_of
        The moment they are looked at from, UTC.

    Returns
    -------
    dict of str to ndarray
        By name of the monitor.

    Raises
    ------
    UnusableDataError
        The data lack what the model needs.
    """
    ask.refuse_lacking(loaded, model.card)
    total: dict[str, Counts] = {}
    with progress.step("looking for drift"):
        for _, rows in ask.features(database, loaded, model, as_of):
            batch = tally(model.card, rows, assign(model.card, model.arrays, rows))
            total = {name: counts + total.get(name, 0) for name, counts in batch.items()}
    return total


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Keys of the configuration that make another model than the live one's did.

    Parameters
    ----------
    before, now
        Configurations as cards have them; a key that the earlier one lacks had its default.

    Returns
    -------
    list of str
        Such as `clustering.k`.
    """
    default = as_plain(Configuration())
    found = []
    for key in SHAPES_THE_MODEL:
        old, new, usual = before.get(key, default[key]), now[key], default[key]
        if key in ("missing_values", "cleaning", "segment_names") or not isinstance(usual, dict):
            found += [key] if old != new else []
        elif isinstance(old, dict) and isinstance(new, dict):
            found += [f"{key}.{name}" for name in usual if old.get(name, usual[name]) != new[name]]
        else:
            found += [key] if old != new else []
    return found


def _matters(reading: Reading, asked: Retraining) -> bool:
    return reading.verdict == "drift" and not reading.ages and reading.psi >= asked.psi


def _told(reading: Reading) -> str:
    return f"{reading.name.removeprefix('feature:')} (PSI {reading.psi:.3f})"


def _calm(age: float, found: DriftVerdict | None, asked: Retraining) -> str:
    contract = "no age is set (max_age_days)" if asked.max_age_days is None else f"of {asked.max_age_days:g} allowed"
    said = f"the live model is {_days(age)} old, {contract}"
    if age < 0:
        said = f"these data end {_days(-age)} before the day of the live model"
    judged = [] if found is None else [each for each in found.readings if each.verdict != "too few" and not each.ages]
    if not judged:
        return f"{said}; too few customers to tell drift"
    most = max(judged, key=lambda reading: reading.psi / (reading.threshold or 1))
    return f"{said}; no drift that matters, the most is {_told(most)}: from {asked.psi:g} on it does, if it is sure"


def _days(days: float) -> str:
    return f"{days:.1f} days" if abs(days) < 10 else f"{days:.0f} days"
