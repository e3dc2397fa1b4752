"""How much history a customer needs before their segment says something: chosen by a stability curve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score
from threadpoolctl import threadpool_limits

from segmentation.evidence import HistoryPoint
from segmentation.features import canonical, customer_table, fill
from segmentation.pipeline import fit
from training import progress
from training.fitting import entries
from training.profiles import REVENUE
from training.redundancy import without_redundant
from training.sources.checks import quoted

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from segmentation.scoring import Floats
    from training.configuration import Configuration
    from training.snapshot import Snapshot
    from training.sources import Loaded

LENGTHS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50)
FEWEST = 100
K_BEFORE_CHOICE = 5
"""Customers with more events than a length, without whom nothing is said of it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The minimum history and why.

    Parameters
    ----------
    minimum
        Orders or events that a customer needs to be clustered.
    curve
        What it was chosen by; empty where it was given.
    why
        For people.
    """

    minimum: int
    curve: tuple[HistoryPoint, ...] = ()
    why: str = "given in the configuration"


def choose(database: Backend, loaded: Loaded, snapshot: Snapshot, configuration: Configuration) -> Choice:
    """Choose the minimum history: the shortest after which customers are where all their events put them.

    A model is fitted on customers with more than one event. Each is then seen after their first n events, the time
    since the last of them left as it is in the end, so that only what more events tell is compared. Of the customers
    with more than n events, the agreement beyond chance (Cohen's kappa) of both segments is taken. The shortest n
    whose kappa is at least `stability.agreement`, and after which none is surely below it (by two standard errors), is
    the minimum.

    Parameters
    ----------
    database
        Where the events are.
    loaded, snapshot
        Events, and their customers.
    configuration
        `minimum_history`, `stability`, and what the model is made of.

    Returns
    -------
    Choice
        As given, unless it is auto.

    References
    ----------
    Cohen (1960), "A coefficient of agreement for nominal scales", for kappa and its standard error. Landis and Koch
    (1977), "The measurement of observer agreement for categorical data", for 0.6 as substantial agreement.
    """
    if configuration.minimum_history != "auto":
        return Choice(configuration.minimum_history)
    counts = snapshot.customers["total_events"].to_numpy()
    stay = ("total_events", *REVENUE)
    snapshot = without_redundant(snapshot, configuration.redundant, stay, configuration.seed, counts > 1)
    candidates = np.flatnonzero(counts > 1)
    lengths = [length for length in LENGTHS if (counts > length).sum() >= FEWEST]
    if not lengths:
        return Choice(1, why=f"fewer than {FEWEST} customers have more than one event: there is no curve to choose by")
    rng = np.random.default_rng(configuration.seed)
    chosen = np.sort(rng.permutation(candidates)[: configuration.stability.rows])
    customers = snapshot.customers.iloc[chosen]
    with progress.step("choosing the minimum history"), threadpool_limits(limits=1):
        pipeline = fit(
            customers, entries(snapshot.features), configuration.preprocessing, _k(configuration),
            configuration.clustering, configuration.seed,
        )  # fmt: skip
        final = pd.Series(pipeline.predict(customers), index=customers.index)
        _number_events(database, loaded, snapshot, customers.index)
        curve = []
        for length in lengths:
            early = _after(database, snapshot, length)
            more = early.index[snapshot.customers.loc[early.index, "total_events"].to_numpy() > length]
            if len(more) >= FEWEST:
                said = pipeline.predict(early.loc[more])
                curve.append(_point(length, said, final.loc[more].to_numpy()))
    return _shortest(tuple(curve), configuration.stability.agreement)


def _k(configuration: Configuration) -> int:
    """The number of segments, which is chosen only when it is known whom to cluster."""
    k = configuration.clustering.k
    return K_BEFORE_CHOICE if k == "auto" else k


def _shortest(curve: tuple[HistoryPoint, ...], wanted: float) -> Choice:
    if not curve:
        return Choice(1, why=f"fewer than {FEWEST} customers looked at have more than one event")
    # Of long histories there are few: what may be chance there does not speak against a shorter one.
    enough = [
        point
        for number, point in enumerate(curve)
        if point.kappa >= wanted and not any(_surely_below(later, wanted) for later in curve[number:])
    ]
    point = enough[0] if enough else max(curve, key=lambda each: each.kappa)
    why = (
        f"after {point.events} events {point.agreement:.0%} of {point.customers:,} customers are in the segment that "
        f"all their events put them in (kappa {point.kappa:.2f} ± {point.kappa_standard_error:.2f})"
    )
    asked = f"{wanted:g} is asked" if enough else f"no length reaches {wanted:g}; this is the best"
    return Choice(point.events, curve, f"{why}; {asked}")


def _surely_below(point: HistoryPoint, wanted: float) -> bool:
    return point.kappa + 2 * point.kappa_standard_error < wanted


def _point(length: int, early: Floats, final: Floats) -> HistoryPoint:
    observed = float((early == final).mean())
    kappa = float(cohen_kappa_score(early, final)) if len(np.unique([early, final])) > 1 else 1.0
    labels = np.unique([early, final])
    expected = float(sum((early == label).mean() * (final == label).mean() for label in labels))
    error = sqrt(observed * (1 - observed) / len(early)) / (1 - expected) if expected < 1 else 0.0
    return HistoryPoint(
        events=length, customers=len(early), agreement=observed, kappa=kappa, kappa_standard_error=error
    )


def _number_events(database: Backend, loaded: Loaded, snapshot: Snapshot, customers: pd.Index) -> None:
    """The events of the customers looked at, numbered in their order, each with the customer's last moment."""
    database.con.register("looked_at", pd.DataFrame({"customer_id": customers}))
    moment = snapshot.as_of.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    columns = [column.name for column in loaded.shape.columns]
    # Ties are broken by everything that is known of an event, never by the order of rows in the files.
    order = ", ".join(
        ["occurred_at", *(quoted(name) for name in columns if name not in ("customer_id", "occurred_at"))]
    )
    database.raw_sql(
        f"CREATE OR REPLACE TABLE numbered AS SELECT {', '.join(map(quoted, columns))}, "
        f"row_number() OVER (PARTITION BY customer_id ORDER BY {order}) AS number, "
        f"TIMESTAMP '{moment}' - max(occurred_at) OVER (PARTITION BY customer_id) AS since "
        f"FROM main.{loaded.table.get_name()} SEMI JOIN looked_at USING (customer_id) "
        f"WHERE occurred_at <= TIMESTAMP '{moment}'"
    )
    database.con.unregister("looked_at")


def _after(database: Backend, snapshot: Snapshot, length: int) -> pd.DataFrame:
    columns = ", ".join(quoted(column.name) for column in snapshot.shape.columns)
    database.raw_sql(
        f"CREATE OR REPLACE TABLE first_events AS SELECT {columns}, "
        f"max(occurred_at) OVER (PARTITION BY customer_id) + since AS as_of FROM numbered WHERE number <= {length}"
    )
    first_events = canonical(snapshot.shape, "first_events")
    expression = fill(customer_table(first_events, snapshot.shape, snapshot.features), snapshot.fills)
    frame: pd.DataFrame = database.to_pandas(expression)
    return frame.set_index("customer_id").astype(np.float64)
