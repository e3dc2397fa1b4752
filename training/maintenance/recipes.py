"""What all models of a replay have in common, chosen by the customers of the first origin: nothing later is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from segmentation.errors import UnusableDataError
from segmentation.pipeline import prepare
from training.fitting import entries
from training.history import choose
from training.job import look
from training.maintenance.models import Recipe
from training.naming import name_segments
from training.populations import HISTORY, needed, split
from training.profiles import REVENUE
from training.redundancy import without_redundant
from training.selection import choose_k
from training.standings import standings

if TYPE_CHECKING:
    from datetime import datetime

    from ibis.backends.duckdb import Backend

    from segmentation.scoring import Floats
    from training.configuration import Configuration
    from training.maintenance.models import Model
    from training.maintenance.replay import Ints
    from training.snapshot import Snapshot
    from training.sources import Loaded


def recipe_of(
    database: Backend, loaded: Loaded, configuration: Configuration, origin: datetime
) -> tuple[Recipe, dict[str, str]]:
    """Choose features, rules and the number of segments as `run` would at an origin.

    Parameters
    ----------
    database, loaded
        The canonical table.
    configuration
        Of the run.
    origin
        The first one, UTC.

    Returns
    -------
    tuple
        The recipe; and, by name, why features are left out.

    Raises
    ------
    InputError
        No model can be made of the customers of that day.
    """
    try:
        snapshot = look(database, loaded, configuration, origin)
        choice = choose(database, loaded, snapshot, configuration)
        populations = split(snapshot, configuration, choice)
    except UnusableDataError as error:
        # Without its day the message would seem to be about all the data.
        raise UnusableDataError(
            f"no model can be made at the origin {origin:%Y-%m-%d}: {error.message}",
            hint=f"choose a later --origin; or: {error.hint}",
        ) from error
    stay = (*needed(configuration, loaded.shape), *REVENUE)
    snapshot = without_redundant(snapshot, configuration.redundant, stay, configuration.seed, populations.clustered)
    k = configuration.clustering.k
    if k == "auto":
        k = _number(snapshot, populations.clustered, configuration)
    return Recipe(snapshot.features, populations.rules, configuration, k), dict(snapshot.left_out)


def named(model: Model, features: Floats, labels: Ints) -> list[str]:
    """Names of a model's segments, by rule.

    Parameters
    ----------
    model
        Of these customers.
    features, labels
        Theirs, float64, shape (n, d), and int64, shape (n,).

    Returns
    -------
    list of str
        In the order of the segments.
    """
    rows = model.recipe.filled(features, model.fills)
    standing = standings(rows, model.arrays.prepare(rows), labels, model.recipe.k)
    return name_segments(standing, model.recipe.features, taken=[rule.name for rule in model.recipe.rules])


def _number(snapshot: Snapshot, clustered: np.ndarray[tuple[int], np.dtype[np.bool_]], settings: Configuration) -> int:
    customers = snapshot.customers[clustered]
    with threadpool_limits(limits=1):
        prepared = prepare(customers, entries(snapshot.features), settings.preprocessing)
        space = np.ascontiguousarray(prepared.transform(customers), dtype=np.float64)
    orders = HISTORY["orders"]
    repeat = customers[orders].to_numpy() > 1 if orders in customers.columns else None
    return choose_k(
        space, settings.selection, settings.refits, n_init=settings.clustering.n_init, seed=settings.seed, repeat=repeat
    ).k
