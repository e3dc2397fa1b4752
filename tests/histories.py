"""Order lines for tests, written short."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from segmentation.features import ORDER_FEATURES, compile_sql
from segmentation.golden import canonical_rows
from segmentation.histories import History, HistoryQuery
from segmentation.tables import ORDERS

AS_OF_DATE = datetime(2024, 7, 1, tzinfo=UTC)

FILLS = {
    "mean_days_between_orders": 30.0,
    "review_score": 4.1,
    "freight_share": 0.2,
    "instalments": 2.0,
    "delivery_delay_days": -3.0,
    "late_share": 0.1,
}


def line(order_id: str, ordered_at: str, **fields: Any) -> dict[str, Any]:
    """A canonical order line; one piece for 10.00 unless said otherwise."""
    return {"order_id": order_id, "ordered_at": ordered_at, "quantity": 1, "unit_price": 10.0} | fields


def features_of(*lines: dict[str, Any], as_of: datetime = AS_OF_DATE) -> dict[str, float]:
    """All catalogue features of one customer, by the SQL that the service runs."""
    features = ORDER_FEATURES
    names = [feature.name for feature in features]
    query = HistoryQuery(ORDERS, compile_sql(ORDERS, features, FILLS), names)
    positions, rows = query.run([History(0, as_of, canonical_rows(ORDERS, lines))])
    assert positions == [0]
    return dict(zip(names, rows[0].tolist(), strict=True))


def frame(lines_by_customer: dict[str, list[dict[str, Any]]]) -> pd.DataFrame:
    """Canonical orders as a frame of text, for a CAST to the canonical types."""
    empty = {column.name: None for column in ORDERS.columns}
    rows = [empty | item | {"customer_id": customer} for customer, items in lines_by_customer.items() for item in items]
    return pd.DataFrame(rows, columns=list(empty)).astype("string")


def cast() -> str:
    """The SELECT list that casts such a frame."""
    return ", ".join(f'CAST("{column.name}" AS {column.sql_type}) AS "{column.name}"' for column in ORDERS.columns)
