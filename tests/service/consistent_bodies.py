"""Hooks for schemathesis: what JSON Schema cannot say of a body is made to hold, so that valid bodies must be accepted.

Columns are of one length, dates lie between 1970 and 2200, as_of goes with raw rows and is not before them, every order
has a value, and integers are written without a fraction. Bodies that are meant to be wrong are sent as they were made.
"""

from datetime import datetime
from typing import Any

import schemathesis

from segmentation.tables import EARLIEST, EVENTS, LATEST, ORDERS, Table

LATE = "2199-12-31T00:00:00Z"


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Mend a body that is valid by the schema."""
    if case.meta is not None and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        mend(case.body)


def mend(body: dict[str, Any]) -> None:
    """Make the rules hold that go beyond types."""
    columns = body.get("columns")
    if columns is not None:
        height = min(map(len, columns.values()))
        for column in columns.values():
            del column[height:]
        ids = body.get("customer_id")
        if ids is not None:
            body["customer_id"] = [whole(ids[number % len(ids)]) for number in range(height)]
    raw = False
    for customer in [body, *body.get("customers", ())]:
        if "customer_id" in customer:
            customer["customer_id"] = whole(customer["customer_id"])
        for table in (ORDERS, EVENTS):
            for row in customer.get(table.name, ()):
                raw = True
                mend_row(table, row)
    if raw and "as_of" in body:
        body["as_of"] = LATE
    elif not raw:
        body.pop("as_of", None)


def mend_row(table: Table, row: dict[str, Any]) -> None:
    """Dates within range, a value for an order, and whole instalments."""
    if "instalments" in row:
        row["instalments"] = whole(row["instalments"])
    for name in table.times:
        if row.get(name) is not None and not in_range(row[name]):
            row[name] = "2025-06-01T10:00:00Z"
    if table is ORDERS and row.get("payment_value") is None:
        row["payment_value"] = 12.5


def in_range(moment: str) -> bool:
    """Whether a date is one that the service takes for no mistake."""
    return EARLIEST <= datetime.fromisoformat(moment.upper().replace("Z", "+00:00")) <= LATEST


def whole(value: Any) -> Any:
    """424.0 is an integer to JSON Schema; to the service it is none."""
    return int(value) if isinstance(value, float) else value
