"""A generated shop: five behaviours that marketers would recognise, most customers with one order.

Each behaviour is a set of distributions; what a customer truly is stays inside this module and is told to tests only.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis.backends.duckdb import Backend

from segmentation.features import ORDER_FEATURES
from segmentation.tables import ORDERS
from training.sources.loaded import Loaded, TableRead

START, END = np.datetime64("2024-01-01", "s"), np.datetime64("2025-12-31", "s")

CATEGORIES = (
    "audio", "baby", "beauty", "books", "fashion", "furniture", "garden", "groceries", "health", "kitchen",
    "lighting", "pets", "phones", "sports", "stationery", "toys",
)  # fmt: skip

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one kind of customer orders.

    Parameters
    ----------
    name
        As a marketer would say it.
    share
        Of all customers.
    repeat
        Chance of coming back at all.
    more_orders
        Mean number of orders beyond the second, for those who come back.
    gap_days
        Mean days between orders.
    lines, pieces
        Mean lines per order and pieces per line, beyond the first.
    price
        Median unit price, in the shop's currency.
    categories
        Number of categories that a customer buys from.
    freight
        Median freight of an order.
    instalments
        Mean instalments beyond the first.
    late
        Chance that an order comes after the promised date.
    review
        Chances of the scores 1 to 5.
    cancels
        Chance that an order is cancelled.
    """

    name: str
    share: float
    repeat: float
    more_orders: float
    gap_days: float
    lines: float
    pieces: float
    price: float
    categories: int
    freight: float
    instalments: float
    late: float
    review: tuple[float, float, float, float, float]
    cancels: float


PLEASED = (0.01, 0.02, 0.07, 0.3, 0.6)
CONTENT = (0.03, 0.05, 0.14, 0.33, 0.45)
ANGRY = (0.62, 0.25, 0.09, 0.03, 0.01)

BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour("loyal regulars", 0.15, 0.98, 5, 35, 0.4, 0.3, 45, 3, 8, 0.3, 0.03, PLEASED, 0.01),
    Behaviour("household stock-up", 0.15, 0.25, 0.5, 90, 4.5, 2.5, 16, 9, 22, 1.2, 0.04, CONTENT, 0.01),
    Behaviour("bargain hunters", 0.32, 0.06, 0.2, 120, 0.1, 0.1, 14, 2, 11, 0.1, 0.04, CONTENT, 0.01),
    Behaviour("big-ticket buyers", 0.2, 0.05, 0.2, 200, 0.1, 0.0, 650, 2, 35, 7.0, 0.04, CONTENT, 0.01),
    Behaviour("let down", 0.18, 0.04, 0.1, 150, 0.3, 0.1, 70, 2, 14, 0.8, 0.93, ANGRY, 0.04),
)


def load(database: Backend, customers: int, seed: int) -> Loaded:
    """Generate the shop's orders.

    Parameters
    ----------
    database
        Where the table is made.
    customers
        How many.
    seed
        Of the generator.

    Returns
    -------
    Loaded
        Canonical; customer ids say nothing of the behaviour.
    """
    frame = generate(customers, seed)
    types = {column.name: column.sql_type for column in ORDERS.columns}
    columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in types.items())
    connection = database.con
    connection.register("generated", frame)
    database.raw_sql(f"CREATE TABLE orders AS SELECT {columns} FROM generated")
    connection.unregister("generated")
    return Loaded(
        source="sample",
        shape=ORDERS,
        table=database.table("orders"),
        columns=frozenset(types),
        catalogue=ORDER_FEATURES,
        read=(TableRead(file="(generated)", rows=len(frame), columns=tuple(types)),),
    )


def behaviours(customers: int, seed: int) -> pd.Series:
    """What each customer truly is: for tests, which compare segments with it.

    Parameters
    ----------
    customers, seed
        As for `generate`.

    Returns
    -------
    pd.Series
        Name of the behaviour by customer_id.
    """
    kind, ids = _people(customers, np.random.default_rng(seed))
    return pd.Series(np.array([behaviour.name for behaviour in BEHAVIOURS])[kind], index=ids, name="behaviour")


def generate(customers: int, seed: int) -> pd.DataFrame:
    """Generate the shop's orders as a frame.

    Parameters
    ----------
    customers
        How many.
    seed
        Of the generator.

    Returns
    -------
    pd.DataFrame
        The canonical orders table, one row per order line.
    """
    rng = np.random.default_rng(seed)
    kind, ids = _people(customers, rng)
    order = _orders(kind, rng)
    lines = _lines(order, rng)
    at = order.loc[lines["order"]].reset_index(drop=True)
    goods = (lines["quantity"] * lines["unit_price"]).groupby(lines["order"]).sum()
    paid = (goods + order["freight_value"]).round(2)
    return pd.DataFrame(
        {
            "customer_id": ids[at["customer"]],
            "order_id": np.char.add("order-", np.char.zfill(lines["order"].to_numpy().astype(str), 9)),
            "ordered_at": at["ordered_at"],
            "product_id": np.char.add("product-", lines["product"].to_numpy().astype(str)),
            "category": np.array(CATEGORIES)[lines["category"]],
            "quantity": lines["quantity"],
            "unit_price": lines["unit_price"],
            "payment_value": paid.loc[lines["order"]].to_numpy(),
            "review_score": at["review_score"],
            "freight_value": at["freight_value"],
            "instalments": at["instalments"],
            "delivered_at": at["delivered_at"],
            "estimated_delivery_at": at["estimated_delivery_at"],
            "status": np.where(at["cancelled"], "cancelled", "delivered"),
        }
    )


def _people(customers: int, rng: np.random.Generator) -> tuple[Ints, npt.NDArray[np.str_]]:
    kind = rng.choice(len(BEHAVIOURS), size=customers, p=[behaviour.share for behaviour in BEHAVIOURS])
    numbers = rng.permutation(customers) + 10 ** len(str(customers))
    return kind, np.char.add("customer-", numbers.astype(str))


def _of(kind: Ints, name: str) -> npt.NDArray[np.float64]:
    """A parameter of the behaviours, spread over customers or orders."""
    return np.array([getattr(behaviour, name) for behaviour in BEHAVIOURS], dtype=np.float64)[kind]


def _orders(kind: Ints, rng: np.random.Generator) -> pd.DataFrame:
    n = len(kind)
    back = rng.random(n) < _of(kind, "repeat")
    count = 1 + back * (1 + rng.poisson(_of(kind, "more_orders")))
    customer = np.repeat(np.arange(n), count)
    of = kind[customer]
    first = np.r_[True, customer[1:] != customer[:-1]]
    # A customer's own rhythm varies around the behaviour's, and each gap around the customer's.
    rhythm = (_of(kind, "gap_days") * rng.lognormal(0, 0.35, n))[customer]
    gap = np.where(first, 0.0, rhythm * rng.gamma(4, 0.25, len(customer)))
    since_first = _cumulative(gap, first)
    window = float((END - START) / np.timedelta64(1, "D"))
    last = np.maximum.reduceat(since_first, np.flatnonzero(first))
    # Whoever would still be ordering after the end of the data began early enough to be done by then.
    start = (rng.random(n) * np.maximum(window - last, 0))[customer]
    day = np.minimum(start + since_first, window - 0.01)
    placed = START + (day * 86_400).astype("timedelta64[s]")
    promised = placed + rng.integers(5, 15, len(of)).astype("timedelta64[D]")
    late = rng.random(len(of)) < _of(of, "late")
    delay = np.where(late, rng.gamma(3, 3, len(of)) + 0.2, -rng.gamma(2.5, 1.0, len(of)))
    delivered = promised + (delay * 86_400).astype("timedelta64[s]")
    cancelled = rng.random(len(of)) < _of(of, "cancels")
    reviewed = rng.random(len(of)) < 0.85
    steps = np.cumsum(np.array([behaviour.review for behaviour in BEHAVIOURS]), axis=1)[of]
    score = 1 + (rng.random(len(of))[:, np.newaxis] > steps[:, :4]).sum(axis=1)
    return pd.DataFrame(
        {
            "customer": customer,
            "kind": of,
            "ordered_at": placed,
            "review_score": np.where(reviewed, score.astype(np.float64), np.nan),
            "freight_value": (_of(of, "freight") * rng.lognormal(0, 0.3, len(of))).round(2),
            "instalments": np.minimum(1 + rng.poisson(_of(of, "instalments")), 24),
            "delivered_at": np.where(cancelled, np.datetime64("NaT"), delivered),
            "estimated_delivery_at": promised,
            "cancelled": cancelled,
        }
    )


def _lines(order: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    kind = order["kind"].to_numpy()
    number = np.repeat(np.arange(len(order)), 1 + rng.poisson(_of(kind, "lines")))
    of, customer = kind[number], order["customer"].to_numpy()[number]
    # A customer buys from a run of categories that begins anywhere.
    favourite = rng.integers(0, len(CATEGORIES), int(customer.max()) + 1)[customer]
    breadth = _of(of, "categories").astype(np.int64)
    category = (favourite + rng.integers(0, breadth)) % len(CATEGORIES)
    return pd.DataFrame(
        {
            "order": number,
            "product": category * 100 + rng.integers(0, 100, len(number)),
            "category": category,
            "quantity": 1 + rng.poisson(_of(of, "pieces")),
            "unit_price": (_of(of, "price") * rng.lognormal(0, 0.35, len(number))).round(2),
        }
    )


def _cumulative(steps: npt.NDArray[np.float64], first: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Running sum that begins anew at each first order; the first step of each customer is 0."""
    total = np.cumsum(steps)
    return total - np.repeat(total[first], np.diff(np.r_[np.flatnonzero(first), len(first)]))
