"""Makes the golden rows and histories that a model must reproduce wherever it is loaded; none is a customer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis.backends.duckdb import Backend

from segmentation.card import GoldenHistory, GoldenRow
from segmentation.clock import iso
from segmentation.features import canonical, customer_table, fill
from segmentation.rules import NO_RULE, first_match
from segmentation.scoring import Floats, score
from segmentation.tables import AS_OF, EVENT_TYPES, TABLES
from training.fitting import Fitted
from training.populations import Rule
from training.snapshot import Snapshot

ROWS = 64
HISTORIES = 16
SHORT, LONG = 6, 60
"""Most orders or sessions of an invented customer."""
SHARPEST = 1e-6
"""Smallest margin of a golden row: closer to a border, another CPU's rounding might decide."""


def rows(snapshot: Snapshot, rules: Sequence[Rule], fitted: Fitted, seed: int) -> tuple[GoldenRow, ...]:
    """Half of them from quantiles of each feature, drawn independently; half close to borders between segments.

    Parameters
    ----------
    snapshot
        The training customers.
    rules
        Asked before the model.
    fitted
        The model; its Pipeline says what is expected.
    seed
        Of the draw.

    Returns
    -------
    tuple of GoldenRow
        64 rows.
    """
    rng = np.random.default_rng(seed)
    names, everybody = list(snapshot.customers.columns), snapshot.customers.to_numpy()
    free = _untaken(rules, names, everybody)
    # Rows that a rule takes prove the rule and not the model: a few of them, drawn from everybody, are enough.
    drawn = _draw(everybody[free], 4 * ROWS, rng)
    drawn = drawn[_untaken(rules, names, drawn)]
    by_rule = _without_customers(_draw(everybody, 4 * ROWS, rng), snapshot)
    by_rule = by_rule[~_untaken(rules, names, by_rule)][: ROWS // 8]
    plain = _without_customers(drawn, snapshot)[: ROWS // 2 - len(by_rule)]
    near = _near_borders(plain, fitted, ROWS - len(plain) - len(by_rule))
    features = np.vstack([plain, by_rule, near])
    expected = _expected(fitted, rules, names, features)
    return tuple(
        GoldenRow(features=tuple(row.tolist()), segment=segment, distance=distance, residual=residual)
        for row, (segment, distance, residual) in zip(features, expected, strict=True)
    )


def _draw(customers: Floats, number: int, rng: np.random.Generator) -> Floats:
    """Rows of quantiles of each feature, drawn independently."""
    levels = rng.uniform(0.05, 0.95, size=(number, customers.shape[1]))
    columns = [np.quantile(customers[:, column], levels[:, column]) for column in range(levels.shape[1])]
    return np.column_stack(columns)


def _untaken(rules: Sequence[Rule], names: list[str], rows: Floats) -> npt.NDArray[np.bool_]:
    return np.equal(first_match([rule.when for rule in rules], names, rows), NO_RULE)


def histories(
    database: Backend, snapshot: Snapshot, rules: Sequence[Rule], fitted: Fitted, seed: int
) -> tuple[GoldenHistory, ...]:
    """Invented customers' orders or events, their features by training's own expressions, and the Pipeline's answer.

    Parameters
    ----------
    database
        Where the expressions run.
    snapshot
        Its features, fills and as_of.
    rules
        Asked before the model.
    fitted
        The model.
    seed
        Of the invention.

    Returns
    -------
    tuple of GoldenHistory
        16 histories; none for customer tables, whose rows are features already.
    """
    shape = snapshot.shape
    if shape.name not in TABLES:
        return ()
    rng = np.random.default_rng(seed)
    invent = _orders if shape.name == "orders" else _events
    # Where rules ask for long histories, short ones would all be theirs.
    lengths = [SHORT] * HISTORIES + ([LONG] * 3 * HISTORIES if rules else [])
    invented = [invent(snapshot.as_of, rng, length) for length in lengths]
    frame = pd.DataFrame(
        [
            {column.name: None for column in shape.columns}
            | line
            | {"customer_id": f"{number:012d}", "as_of": snapshot.as_of.replace(tzinfo=None).isoformat()}
            for number, lines in enumerate(invented)
            for line in lines
        ]
    ).astype("string")
    database.con.register("invented", frame)
    columns = ", ".join(
        f'CAST("{column.name}" AS {column.sql_type}) AS "{column.name}"' for column in (*shape.columns, AS_OF)
    )
    database.raw_sql(f"CREATE OR REPLACE TABLE golden_rows AS SELECT {columns} FROM invented")
    database.con.unregister("invented")
    golden_rows = canonical(shape, "golden_rows")
    expression = fill(customer_table(golden_rows, shape, snapshot.features), snapshot.fills)
    features = database.to_pandas(expression).drop(columns="customer_id").astype(np.float64).to_numpy()
    expected = _expected(fitted, rules, list(snapshot.customers.columns), features)
    made = [
        GoldenHistory(
            as_of=iso(snapshot.as_of),
            rows=tuple(lines),
            features=tuple(row.tolist()),
            segment=segment,
            distance=distance,
            residual=residual,
        )
        for lines, row, (segment, distance, residual) in zip(invented, features, expected, strict=True)
    ]
    # Of both kinds where both occur: with long histories asked for, most invented customers would be a rule's.
    by_rule = [history for history in made if history.distance is None][: HISTORIES // 4]
    by_model = [history for history in made if history.distance is not None][: HISTORIES - len(by_rule)]
    return (*by_model, *by_rule)


def _without_customers(drawn: Floats, snapshot: Snapshot) -> Floats:
    """On few or coarse features a drawn row may be a customer's by chance; such rows are moved off it."""
    customers = {row.tobytes() for row in snapshot.customers.to_numpy()}
    return np.array([row if row.tobytes() not in customers else row * (1 + 1e-3) + 1e-3 for row in drawn])


def _near_borders(rows: Floats, fitted: Fitted, wanted: int) -> Floats:
    """Walk from one row towards another in a different segment, and stop short of the border between them."""
    segments = score(fitted.arrays, rows).segment
    pairs = [(a, b) for a in range(len(rows)) for b in range(len(rows)) if segments[a] != segments[b]]
    if not pairs:
        return rows[:wanted]
    found = []
    for number in range(wanted):
        a, b = pairs[(number * 37) % len(pairs)]
        low, high = rows[a], rows[b]
        for _ in range(14):
            middle = (low + high) / 2
            answer = score(fitted.arrays, middle[np.newaxis])
            if answer.margin[0] < SHARPEST:
                break
            low, high = (middle, high) if answer.segment[0] == segments[a] else (low, middle)
        found.append(low)
    return np.array(found)


def _expected(
    fitted: Fitted, rules: Sequence[Rule], names: list[str], features: Floats
) -> list[tuple[int, float | None, float | None]]:
    pipeline, frame = fitted.pipeline, pd.DataFrame(features, columns=names)
    segments = pipeline.predict(frame)
    # Not KMeans.transform: its expanded squares are off by more than the golden tolerance close to a centroid.
    space = pipeline[:-1].transform(frame)
    centroids = pipeline[-1].cluster_centers_
    distances = np.linalg.norm(space - centroids[segments], axis=1)
    residuals = _residuals(fitted, frame)
    taken = first_match([rule.when for rule in rules], names, features)
    return [
        (int(segment), float(distance), float(residual))
        if rule == NO_RULE
        else (len(centroids) + int(rule), None, None)
        for segment, distance, residual, rule in zip(segments, distances, residuals, taken, strict=True)
    ]


def _residuals(fitted: Fitted, frame: pd.DataFrame) -> Floats:
    steps = list(fitted.pipeline.named_steps)
    if fitted.imported is not None or "pca" not in steps:
        # An imported Pipeline has no residual of its own: what is standardised is for our arrays to say.
        return fitted.arrays.residual(frame.to_numpy())
    pca, before = fitted.pipeline["pca"], fitted.pipeline[: steps.index("pca")].transform(frame)
    return np.asarray(np.square(before - pca.inverse_transform(pca.transform(before))).sum(axis=1), dtype=np.float64)


def _events(as_of: datetime, rng: np.random.Generator, most: int) -> list[dict[str, Any]]:
    found = []
    for session in range(1 + int(rng.integers(0, most))):
        start = as_of - timedelta(seconds=int(rng.integers(3_600, 90 * 86_400)))
        for number in range(1 + int(rng.integers(0, 8))):
            product = int(rng.integers(0, 12))
            event: dict[str, Any] = {
                "event_type": str(rng.choice(EVENT_TYPES, p=[0.6, 0.2, 0.05, 0.15])),
                "occurred_at": iso(start + timedelta(seconds=120 * number)),
                "product_id": f"product-{product}",
                "price": round(float(rng.lognormal(3, 1)), 2),
                "session_id": f"session-{session}",
            }
            # Some facts are missing, as in real events.
            if rng.random() < 0.7:
                event["category"] = f"category-{product % 4}"
            if rng.random() < 0.8:
                event["brand"] = f"brand-{product % 5}"
            found.append(event)
    return found


def _orders(as_of: datetime, rng: np.random.Generator, most: int) -> list[dict[str, Any]]:
    lines = []
    for order in range(1 + int(rng.integers(0, most))):
        at = as_of - timedelta(seconds=int(rng.integers(0, 500 * 86_400)))
        promised = at + timedelta(days=int(rng.integers(3, 30)))
        delivered = promised + timedelta(seconds=int(rng.integers(-20 * 86_400, 10 * 86_400)))
        prices = rng.lognormal(4, 1, size=1 + int(rng.integers(0, 4))).round(2)
        known: dict[str, Any] = {
            "order_id": f"golden-{order}",
            "ordered_at": iso(at),
            "freight_value": round(float(rng.lognormal(2.5, 0.5)), 2),
            "instalments": int(rng.integers(1, 13)),
            "estimated_delivery_at": iso(promised),
            "status": str(rng.choice(["delivered", "shipped", "cancelled"], p=[0.8, 0.1, 0.1])),
        }
        # Some facts are missing, as in real orders, so that what customers get who lack a feature is proved too.
        if rng.random() < 0.8:
            known["payment_value"] = round(float(prices.sum()) + known["freight_value"], 2)
        if rng.random() < 0.7:
            known["review_score"] = int(rng.integers(1, 6))
        if known["status"] == "delivered":
            known["delivered_at"] = iso(max(delivered, at))
        for price in prices:
            category = int(rng.integers(0, 8))
            lines.append(
                known
                | {
                    "product_id": f"product-{category}",
                    "category": f"category-{category}",
                    "quantity": int(rng.integers(1, 4)),
                    "unit_price": float(price),
                }
            )
    return lines
