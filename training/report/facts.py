"""What is in the data: missing values, baskets, categories. Aggregated in DuckDB."""

from dataclasses import dataclass

import numpy as np

from segmentation.privacy import SMALLEST_GROUP
from segmentation.scoring import Floats
from training.report.rows import BASKETS, ROWS, Rows

BARS_PER_DECADE, FEW_BASKETS = (10, 5), 1_000
"""Bars of the basket distribution, from one power of ten to the next; the second where there are few baskets."""

MOST_CATEGORIES = 15


@dataclass(frozen=True, slots=True)
class Missing:
    """A column's missing values: their share of the rows; `filled` is false where the source has no such column."""

    column: str
    share: float
    filled: bool


@dataclass(frozen=True, slots=True, eq=False)
class Baskets:
    """How basket values are distributed.

    Parameters
    ----------
    edges, counts
        Bars of equal width on the log axis, shapes (n + 1,) and (n,); bars of fewer than ten customers are 0.
    first, median, third
        Quartiles of the values above 0.
    valued, worthless, unknown
        Baskets of a value above 0, of value 0, and of an unknown one.
    untold
        Baskets in bars of fewer than ten customers.
    """

    edges: Floats
    counts: Floats
    first: float
    median: float
    third: float
    valued: int
    worthless: int
    unknown: int
    untold: int


@dataclass(frozen=True, slots=True)
class Category:
    """A category: revenue (or events) and customers; `name` is None where rows have none."""

    name: str | None
    amount: float
    customers: int


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories with most revenue or events, and what the others add up to.

    Parameters
    ----------
    measure
        What `amount` is: "revenue", "events" or "order lines".
    top
        The fifteen largest, the largest first, of ten customers or more each.
    others, others_number
        The rest, and how many they are; None where they have fewer than ten customers together.
    total
        Amount of all that are told.
    """

    measure: str
    top: tuple[Category, ...]
    others: Category | None
    others_number: int
    total: float


def missing(rows: Rows) -> tuple[Missing, ...]:
    """Missing values of every canonical column.

    Parameters
    ----------
    rows
        From `prepare`.

    Returns
    -------
    tuple of Missing
        In the order of the columns.
    """
    names = rows.loaded.shape.names
    counted = ", ".join(f'count("{name}")' for name in names)
    present = rows.fetch(f"SELECT {counted} FROM {ROWS}")[0]
    return tuple(
        Missing(name, 1 - int(count) / rows.count if rows.count else 1.0, name in rows.loaded.columns)
        for name, count in zip(names, present, strict=True)
    )


def baskets(rows: Rows) -> Baskets | None:
    """The distribution of basket values.

    Parameters
    ----------
    rows
        From `prepare`; its rows have a time.

    Returns
    -------
    Baskets
        None where fewer than ten customers have a basket of a known value above 0.
    """
    valued, worthless, unknown, customers = rows.fetch(
        f"SELECT coalesce(sum(n), 0), coalesce(sum(zero), 0), coalesce(sum(none), 0), count(*) FILTER (n > 0) FROM ("
        f"SELECT count(*) FILTER (value > 0) AS n, count(*) FILTER (value <= 0) AS zero, "
        f"count(*) FILTER (value IS NULL) AS none FROM {BASKETS} GROUP BY customer_id)"
    )[0]
    if customers < SMALLEST_GROUP:
        return None
    width = BARS_PER_DECADE[int(valued) < FEW_BASKETS]
    bars = rows.fetch(
        f"SELECT bar, CAST(sum(n) AS BIGINT), count(*) FROM ("
        f"SELECT CAST(floor(log10(CAST(value AS DOUBLE)) * {width}) AS INTEGER) AS bar, count(*) AS n "
        f"FROM {BASKETS} WHERE value > 0 GROUP BY bar, customer_id) GROUP BY bar ORDER BY bar"
    )
    quartiles = rows.fetch(
        f"SELECT quantile_cont(CAST(value AS DOUBLE), [0.25, 0.5, 0.75]) FROM {BASKETS} WHERE value > 0"
    )[0][0]
    told = {bar: count for bar, count, people in bars if people >= SMALLEST_GROUP}
    # Where values spread so far that no bar holds ten customers, the quartiles are all that is told.
    first, last = (min(told), max(told)) if told else (round(np.log10(quartiles[1]) * width),) * 2
    return Baskets(
        edges=np.power(10.0, np.arange(first, last + 2) / width),
        counts=np.array([told.get(bar, 0) for bar in range(first, last + 1)], dtype=np.float64),
        first=quartiles[0],
        median=quartiles[1],
        third=quartiles[2],
        valued=int(valued),
        worthless=int(worthless),
        unknown=int(unknown),
        untold=int(valued) - sum(told.values()),
    )


def categories(rows: Rows) -> Categories | None:
    """Revenue by category; events by category where rows are events.

    Parameters
    ----------
    rows
        From `prepare`; its rows have a time.

    Returns
    -------
    Categories
        None where the source has no categories, or none of them has ten customers.
    """
    if "category" not in rows.loaded.columns:
        return None
    measure, amount = "events", "1"
    if rows.loaded.shape.name == "orders":
        measure, amount = "order lines", "1"
        if "unit_price" in rows.loaded.columns:
            measure, amount = "revenue", "coalesce(quantity, 1)::DECIMAL(38, 7) * unit_price::DECIMAL(38, 7)"
    # An order without lines has no product, and so no category to lack.
    where = "coalesce(quantity, 1) > 0" if measure != "events" else "true"
    per_customer = f"SELECT category, customer_id, sum({amount}) AS amount FROM {ROWS} WHERE {where} GROUP BY ALL"
    found = [
        Category(name, float(total or 0), people)
        for name, total, people in rows.fetch(
            f"SELECT category, sum(amount), count(*) FROM ({per_customer}) GROUP BY category "
            "ORDER BY sum(amount) DESC NULLS LAST, category"
        )
    ]
    told = tuple(category for category in found if category.customers >= SMALLEST_GROUP)
    # One single other category is told by its own name.
    top = told if len(found) == len(told) == MOST_CATEGORIES + 1 else told[:MOST_CATEGORIES]
    if not top or all(category.name is None for category in top):
        return None
    rest = [category for category in found if category not in top]
    # Somebody who buys from two of the others is one customer.
    people = rows.fetch(
        f"SELECT count(DISTINCT customer_id) FROM ({per_customer}) "
        "WHERE NOT list_contains(?::VARCHAR[], coalesce('=' || category, ''))",
        [["" if category.name is None else f"={category.name}" for category in top]],
    )[0][0]
    others = Category("others", sum(category.amount for category in rest), int(people))
    return Categories(
        measure=measure,
        top=top,
        others=others if people >= SMALLEST_GROUP else None,
        others_number=len(rest),
        # What is not told must not follow from what is.
        total=sum(category.amount for category in (found if people >= SMALLEST_GROUP else top)),
    )
