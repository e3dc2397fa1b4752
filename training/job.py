"""The whole job: source, snapshot, populations, model, registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ibis.backends.duckdb import Backend

from segmentation.drift import Occasion
from segmentation.features import select
from segmentation.registry import Move, Registry
from segmentation.settings import Settings
from training import sources
from training.bundle import Bundle, bundle
from training.configuration import Configuration
from training.database import open_database
from training.fitting import Fitted, train
from training.heritage import ANEW, NOTHING, Heritage
from training.history import Choice, choose
from training.importing.adoption import Foreign, adopt
from training.populations import Populations, needed, split
from training.profiles import REVENUE
from training.publish import publish
from training.redundancy import without_redundant
from training.snapshot import Snapshot, take
from training.succession import Consulted, consult, succeed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a run made."""

    snapshot: Snapshot
    populations: Populations
    fitted: Fitted
    made: Bundle


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A fitted model and what it was fitted on."""

    snapshot: Snapshot
    choice: Choice
    populations: Populations
    fitted: Fitted
    consulted: Consulted

    @property
    def clustered(self) -> pd.DataFrame:
        """The customers whom no rule takes."""
        customers = self.snapshot.customers
        return customers[self.populations.clustered] if self.populations.rules else customers

    def of(self, snapshot: Snapshot, configuration: Configuration) -> Learned:
        """A model of other features of the same customers.

        Parameters
        ----------
        snapshot
            The same customers as of the same moment.
        configuration
            Of the other model.

        Returns
        -------
        Learned
            With the same customers clustered.

        Raises
        ------
        UnusableDataError
            They are too few or too much alike in these features.
        """
        snapshot = _distinct(snapshot, self.populations, (), configuration)
        return _fitted(snapshot, self.choice, self.populations, Consulted(), configuration)


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
    foreign: Foreign | None = None,
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
        The time that the model bears; see `segmentation.clock.now`.
    mapping
        How the files read; see `training.sources.mapping`.
    as_of
        The moment the customers are looked at from, UTC; None: the newest row.
    handed
        The live model, whose segments keep their ids, and the first free id; see `training.heritage.inherit`.
    foreign
        A Pipeline fitted elsewhere, which takes the place of our own fit; None: the model is fitted.

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
        return make_of(database, loaded, configuration, created=created, as_of=as_of, handed=handed, foreign=foreign)


def make_of(
    database: Backend,
    loaded: sources.Loaded,
    configuration: Configuration,
    *,
    created: datetime,
    as_of: datetime | None = None,
    handed: Heritage = NOTHING,
    foreign: Foreign | None = None,
    occasion: Occasion | None = None,
) -> Result:
    """Make a model of a canonical table, for the card to say on what occasion; see `make`."""
    # Tables without time are looked at when the model is made.
    as_of = created if as_of is None and loaded.shape.moment is None else as_of
    learned = learn(database, loaded, configuration, as_of, handed, foreign)
    snapshot, populations = learned.snapshot, learned.populations
    succession = succeed(database, loaded, snapshot, populations, learned.fitted, handed, learned.consulted)
    made = bundle(database, loaded, snapshot, learned.choice, populations, succession, configuration, created, occasion)
    return Result(snapshot=snapshot, populations=populations, fitted=succession.fitted, made=made)


def learn(
    database: Backend,
    loaded: sources.Loaded,
    configuration: Configuration,
    as_of: datetime | None = None,
    handed: Heritage = NOTHING,
    foreign: Foreign | None = None,
) -> Learned:
    """Fit a model of a source's customers; no files are made of it.

    Parameters
    ----------
    database, loaded
        The canonical table.
    configuration, as_of, handed, foreign
        As for `make`.

    Returns
    -------
    Learned
        The customers and the model.

    Raises
    ------
    InputError
        The data or the configuration cannot be used.
    """
    snapshot = look(database, loaded, configuration, as_of, foreign)
    choice = choose(database, loaded, snapshot, configuration)
    populations = split(snapshot, configuration, choice)
    before = () if handed.model is None else handed.model.card.feature_names
    snapshot = _distinct(snapshot, populations, needed(configuration, loaded.shape), configuration, before)
    said = consult(database, loaded, snapshot, populations, handed, configuration.seed)
    return _fitted(snapshot, choice, populations, said, configuration, foreign)


def _distinct(
    snapshot: Snapshot,
    populations: Populations,
    asked: tuple[str, ...],
    configuration: Configuration,
    before: tuple[str, ...] = (),
) -> Snapshot:
    # What customers are worth stays: every segment is told with its share of it.
    stay = (*asked, *REVENUE)
    limit, seed = configuration.redundant, configuration.seed
    return without_redundant(snapshot, limit, stay, seed, populations.clustered, before)


def _fitted(
    snapshot: Snapshot,
    choice: Choice,
    populations: Populations,
    said: Consulted,
    configuration: Configuration,
    foreign: Foreign | None = None,
) -> Learned:
    clustered = snapshot.customers[populations.clustered] if populations.rules else snapshot.customers
    if foreign is None:
        fitted = train(clustered, snapshot.features, configuration, said.start)
    else:
        fitted = adopt(foreign, clustered, configuration)
    return Learned(snapshot, choice, populations, fitted, said)


def look(
    database: Backend,
    loaded: sources.Loaded,
    configuration: Configuration,
    as_of: datetime | None = None,
    foreign: Foreign | None = None,
) -> Snapshot:
    """The customers of a source as the configuration wants them.

    Parameters
    ----------
    database, loaded
        The canonical table.
    configuration
        Features, what stands for missing values, and rules.
    as_of, foreign
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
    missing = configuration.missing_values
    if foreign is not None:
        # Its features as they are, and all of them: it knows nothing of others.
        features = foreign.features(loaded.catalogue)
        snapshot = take(database, loaded, features, as_of, missing=missing, needed=foreign.columns.names)
        foreign.refuse_lacking(snapshot.left_out)
        return snapshot
    rules = needed(configuration, loaded.shape)
    features = select(configuration.features, loaded.catalogue)
    return take(database, loaded, features, as_of, missing=missing, needed=rules)


def release(result: Result, registry: Registry, alias: str, handed: Heritage | None = None) -> Move:
    """Publish a run's model and make it live if the gate lets it pass.

    Parameters
    ----------
    result
        From `make`.
    registry, alias
        Where to.
    handed
        What the model was made with: nobody may have moved the alias since; None: whatever.

    Returns
    -------
    Move
        The alias's move.

    Raises
    ------
    GateRefusedError
        It is published, and not live.
    """
    made = "imported, with the data of" if result.made.card.imported is not None else "trained on"
    why = f"{made} {result.made.card.source}" + (f"; {ANEW}" if handed is not None and handed.anew else "")
    return publish(registry, result.made, alias, why, after=None if handed is None else handed.sequence)
