"""The whole job: source, snapshot, populations, model, registry."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ibis.backends.duckdb import Backend

from segmentation.features import select
from segmentation.registry import Move, Registry
from segmentation.settings import Settings
from training import sources
from training.bundle import Bundle, bundle
from training.configuration import Configuration
from training.database import open_database
from training.fitting import Fitted, train
from training.heritage import NOTHING, Heritage
from training.history import choose
from training.populations import Populations, needed, split
from training.profiles import REVENUE
from training.publish import publish
from training.redundancy import without_redundant
from training.snapshot import Snapshot, take
from training.succession import succeed


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a run made."""

    snapshot: Snapshot
    populations: Populations
    fitted: Fitted
    made: Bundle


def make(
    source: str,
    data: str | None,
    configuration: Configuration,
    settings: Settings,
    *,
    created: datetime,
    mapping: Path | None = None,
    as_of: datetime | None = None,
    handed: Heritage = NOTHING,
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
    mapping
        How the files read; see `training.sources.mapping`.
    as_of
        The moment the customers are looked at from, UTC; None: the newest row.
    handed
        The live model, whose segments keep their ids, and the first free id; see `training.heritage.inherit`.

    Returns
    -------
    Result
        The customers, the model, and its files.

    Raises
    ------
    InputError
        The data or the configuration cannot be used.
    """
    with open_database(settings) as database:
        loaded = sources.load(database, source, data, configuration, mapping)
        snapshot = look(database, loaded, configuration, as_of)
        choice = choose(database, loaded, snapshot, configuration)
        populations = split(snapshot, configuration, choice)
        # What customers are worth stays: every segment is told with its share of it.
        stay = (*needed(configuration, loaded.shape), *REVENUE)
        snapshot = without_redundant(snapshot, configuration.redundant, stay, configuration.seed, populations.clustered)
        clustered = snapshot.customers[populations.clustered] if populations.rules else snapshot.customers
        fitted = train(clustered, snapshot.features, configuration)
        succession = succeed(database, loaded, snapshot, populations, fitted, handed, configuration.seed)
        made = bundle(database, loaded, snapshot, choice, populations, succession, configuration, created)
    return Result(snapshot=snapshot, populations=populations, fitted=succession.fitted, made=made)


def look(
    database: Backend, loaded: sources.Loaded, configuration: Configuration, as_of: datetime | None = None
) -> Snapshot:
    """The customers of a source as the configuration wants them.

    Parameters
    ----------
    database, loaded
        The canonical table.
    configuration
        Features, what stands for missing values, and rules.
    as_of
        As for `make`.

    Returns
    -------
    Snapshot
        One row of features per customer.

    Raises
    ------
    InputError
        The configuration does not fit the data, or no feature can be made of them.
    """
    rules = needed(configuration, loaded.shape)
    features = select(configuration.features, loaded.catalogue)
    return take(database, loaded, features, as_of, missing=configuration.missing_values, needed=rules)


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
