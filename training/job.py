"""The whole job: source, snapshot, model, registry."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from segmentation.features import select
from segmentation.registry import Move, Registry
from segmentation.settings import Settings
from training import sources
from training.bundle import Bundle, bundle
from training.configuration import Configuration
from training.database import open_database
from training.fitting import Fitted, train
from training.publish import publish
from training.snapshot import Snapshot, take


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a run made."""

    snapshot: Snapshot
    fitted: Fitted
    made: Bundle


def make(
    source: str,
    data: Path | None,
    configuration: Configuration,
    settings: Settings,
    *,
    created: datetime,
    as_of: datetime | None = None,
) -> Result:
    """Make a model of a source's data; nothing is published.

    Parameters
    ----------
    source, data
        See `training.sources.load`.
    configuration
        Of the run.
    settings
        Memory limit and spill folder.
    created
        The time that the model bears; see `training.clock.now`.
    as_of
        The moment the customers are looked at from, UTC; None: the newest order.

    Returns
    -------
    Result
        The customers, the model, and its files.

    Raises
    ------
    InputError
        The data or the configuration cannot be used.
    """
    features = select(configuration.features)
    with open_database(settings) as database:
        orders = sources.load(database, source, data, configuration)
        snapshot = take(database, orders, features, as_of)
        fitted = train(snapshot.customers, snapshot.features, configuration)
        made = bundle(database, orders, snapshot, fitted, configuration, created)
    return Result(snapshot=snapshot, fitted=fitted, made=made)


def release(result: Result, registry: Registry, alias: str) -> Move:
    """Publish a run's model and make it live.

    Parameters
    ----------
    result
        From `make`.
    registry, alias
        Where to.

    Returns
    -------
    Move
        The alias's move.
    """
    return publish(registry, result.made, alias, why=f"trained on {result.made.card.source}")
