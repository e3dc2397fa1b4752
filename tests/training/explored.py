"""Small shops and event logs for tests of what `explore` tells."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from io import BytesIO

import numpy as np
import pandas as pd
from ibis.backends.duckdb import Backend
from matplotlib import image

from segmentation.features import ORDER_FEATURES, Feature
from segmentation.tables import ORDERS, Table
from training.report.rows import Rows, prepare
from training.sources.loaded import Cleaned, Link, Loaded, TableRead

START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = datetime(2024, 4, 1, tzinfo=UTC)

Make = Callable[[Table, tuple[Feature, ...], pd.DataFrame], Loaded]


class Tags(HTMLParser):
    """The page as a browser would take it apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def every(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def load(database: Backend, shape: Table, catalogue: tuple[Feature, ...], frame: pd.DataFrame) -> Loaded:
    """A source made of a frame; canonical columns that it lacks are not filled."""
    columns = ", ".join(
        f'CAST({f"{column.name}" if column.name in frame else "NULL"} AS {column.sql_type}) AS "{column.name}"'
        for column in shape.columns
    )
    database.con.register("given", frame)
    database.raw_sql(f"CREATE OR REPLACE TABLE {shape.name} AS SELECT {columns} FROM given")
    database.con.unregister("given")
    return Loaded(
        source="test",
        shape=shape,
        table=database.table(shape.name),
        columns=frozenset(frame.columns),
        catalogue=catalogue,
        read=(TableRead("orders & items.csv", len(frame), tuple(frame.columns)),),
        cleaning=(Cleaned("no customer", 3, dropped=True), Cleaned("malformed_row", 0, dropped=False)),
        links=(Link("items.csv", "orders & items.csv", "order_id", 1_000, 25),),
    )


def events(customers: int = 300) -> pd.DataFrame:
    """Three hours of a shop: everybody views, a third put into the cart, a sixth buy."""
    rng = np.random.default_rng(5)
    views = rng.integers(1, 9, customers)
    kinds = [["view"] * count for count in views]
    for customer, kind in enumerate(kinds):
        kind += ["cart"] * (customer % 3 == 0) + ["purchase"] * (customer % 6 == 0)
    rows = np.repeat(np.arange(customers), [len(kind) for kind in kinds])
    return pd.DataFrame(
        {
            "customer_id": [f"visitor-{customer + 7000}" for customer in rows],
            "event_type": [name for kind in kinds for name in kind],
            "occurred_at": START.replace(tzinfo=None)
            + pd.to_timedelta(np.sort(rng.integers(0, 10_200, len(rows))), "s"),
            "product_id": rng.integers(0, 50, len(rows)).astype(str),
            "category": rng.choice(["phones", "clocks <b>", "5$ & 9$"], len(rows)),
            "price": rng.lognormal(4, 1, len(rows)).round(2),
            "session_id": [f"session-{customer}" for customer in rows],
        }
    )


def orders(*lists: tuple[str, list[int]], value: float = 10.0) -> pd.DataFrame:
    """Orders by customer and day since START."""
    rows = [
        {
            "customer_id": customer,
            "order_id": f"{customer}/{place}",
            "ordered_at": START.replace(tzinfo=None) + timedelta(days=day),
            "quantity": 1,
            "unit_price": value,
        }
        for customer, days in lists
        for place, day in enumerate(days)
    ]
    return pd.DataFrame(rows)


def made(database: Backend, frame: pd.DataFrame, as_of: datetime = AS_OF) -> Rows:
    return prepare(database, load(database, ORDERS, ORDER_FEATURES, frame), as_of)


def pictures(page: str) -> dict[str, bytes]:
    found = re.findall(r'<figure id="([a-z-]+)">.*?src="data:image/png;base64,([^"]+)"', page, re.DOTALL)
    return {name: base64.b64decode(content, validate=True) for name, content in found}


def drawn(content: bytes) -> bool:
    """Whether a PNG has a size and is not blank."""
    pixels = image.imread(BytesIO(content), format="png")
    return bool(min(pixels.shape[:2]) > 200 and pixels.std() > 0.01)
