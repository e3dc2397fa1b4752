"""Olist's marketplace tables, as published: the person is customer_unique_id, one customer_id per order."""

from collections.abc import Mapping
from pathlib import Path

from ibis.backends.duckdb import Backend

from segmentation.errors import BadValueError, ConfigurationError
from segmentation.features import ORDER_FEATURES
from segmentation.tables import ORDERS, Column, Interval
from training import cleaning, progress
from training.database import first_row
from training.sources.files import FileTable, find, read
from training.sources.loaded import Action, Cleaned, Link, Loaded, TableRead
from training.sources.locations import folder_of

_BY_NAME = {column.name: column for column in ORDERS.columns}
_ID = Column("id", "text", "", required=True)
_TEXT = Column("text", "text", "")
_TIME = Column("time", "time", "")
_NUMBER = Column("number", "integer", "", required=True, valid=Interval(0, 1e6))
_PRICE = Column("price", "money", "", required=True, valid=Interval(0, 1e9))

CUSTOMERS = FileTable("olist_customers_dataset", {"customer_id": _ID, "customer_unique_id": _ID}, key=("customer_id",))
ORDERS_FILE = FileTable(
    "olist_orders_dataset",
    {
        "order_id": _ID,
        "customer_id": _ID,
        "order_status": _TEXT,
        "order_purchase_timestamp": _BY_NAME["ordered_at"],
        "order_delivered_customer_date": _TIME,
        "order_estimated_delivery_date": _TIME,
    },
    key=("order_id",),
)
ITEMS = FileTable(
    "olist_order_items_dataset",
    {"order_id": _ID, "order_item_id": _NUMBER, "product_id": _ID, "price": _PRICE, "freight_value": _PRICE},
    key=("order_id", "order_item_id"),
)
PAYMENTS = FileTable(
    "olist_order_payments_dataset",
    {
        "order_id": _ID,
        "payment_sequential": _NUMBER,
        "payment_installments": _BY_NAME["instalments"],
        "payment_value": _BY_NAME["payment_value"],
    },
    key=("order_id", "payment_sequential"),
)
REVIEWS = FileTable(
    "olist_order_reviews_dataset",
    {
        "review_id": _ID,
        "order_id": _ID,
        "review_score": _BY_NAME["review_score"],
        "review_answer_timestamp": _TIME,
    },
    key=("review_id", "order_id"),
)
PRODUCTS = FileTable("olist_products_dataset", {"product_id": _ID, "product_category_name": _TEXT}, key=("product_id",))
TRANSLATION = FileTable(
    "product_category_name_translation",
    {"product_category_name": _ID, "product_category_name_english": _ID},
    key=("product_category_name",),
)

NOT_NEEDED = ("olist_sellers_dataset", "olist_geolocation_dataset", TRANSLATION.name)

NEEDED = (CUSTOMERS, ORDERS_FILE, ITEMS, PAYMENTS, REVIEWS, PRODUCTS)

COLUMNS = frozenset(_BY_NAME)

# Payments and freight are summed before the join: an order with three items and two vouchers would count six times.
_SQL = """
CREATE TABLE orders AS
WITH payment AS (
    SELECT order_id, sum(payment_value) AS payment_value, max(payment_installments) AS instalments
    FROM olist_order_payments_dataset GROUP BY order_id
),
freight AS (
    SELECT order_id, sum(freight_value) AS freight_value FROM olist_order_items_dataset GROUP BY order_id
),
review AS (
    SELECT
        order_id,
        arg_max(review_score, (coalesce(review_answer_timestamp, TIMESTAMP '1970-01-01'), review_id)) AS review_score
    FROM olist_order_reviews_dataset GROUP BY order_id
)
SELECT
    customer_unique_id AS customer_id,
    orders.order_id,
    order_purchase_timestamp AS ordered_at,
    item.product_id,
    {category} AS category,
    CAST(CASE WHEN item.order_id IS NULL THEN 0 ELSE 1 END AS DECIMAL(12, 3)) AS quantity,
    item.price AS unit_price,
    CAST(payment.payment_value AS DECIMAL(18, 4)) AS payment_value,
    review.review_score,
    CAST(freight.freight_value AS DECIMAL(18, 4)) AS freight_value,
    CAST(payment.instalments AS INTEGER) AS instalments,
    order_delivered_customer_date AS delivered_at,
    order_estimated_delivery_date AS estimated_delivery_at,
    CASE lower(order_status) WHEN 'canceled' THEN 'cancelled' ELSE order_status END AS status
FROM olist_orders_dataset AS orders
JOIN olist_customers_dataset AS customer USING (customer_id)
LEFT JOIN olist_order_items_dataset AS item ON item.order_id = orders.order_id
LEFT JOIN payment ON payment.order_id = orders.order_id
LEFT JOIN freight ON freight.order_id = orders.order_id
LEFT JOIN review ON review.order_id = orders.order_id
LEFT JOIN olist_products_dataset AS product ON product.product_id = item.product_id
{translation}
"""

_LEFT_OUT = {
    "order_without_customer": (ORDERS_FILE, "customer_id", CUSTOMERS),
    "item_without_order": (ITEMS, "order_id", ORDERS_FILE),
    "payment_without_order": (PAYMENTS, "order_id", ORDERS_FILE),
    "review_without_order": (REVIEWS, "order_id", ORDERS_FILE),
}
"""Rows that refer to nothing: they fall out of the joins, whatever the configuration says."""

_LINKED = (
    *_LEFT_OUT.values(),
    (ORDERS_FILE, "order_id", ITEMS),
    (ORDERS_FILE, "order_id", PAYMENTS),
    (ORDERS_FILE, "order_id", REVIEWS),
    (ITEMS, "product_id", PRODUCTS),
)


def load(database: Backend, data: str, scratch: Path, *, chosen: Mapping[str, Action] | None = None) -> Loaded:
    """Read the tables of a folder and join them into canonical orders.

    Parameters
    ----------
    database
        Where the tables are made.
    data
        Folder, local or in S3, with the tables under their published names; geolocation and sellers are not needed.
    scratch
        Where files of S3 are downloaded to.
    chosen
        What the configuration says happens by cleaning rule.

    Returns
    -------
    Loaded
        Timestamps are taken as they stand (they carry no zone). An order without items is one line of quantity 0.
        Of several reviews of an order the latest counts. Categories are in English where a translation exists.

    Raises
    ------
    SourceError
        A table or column is missing, or a value cannot be used.
    """
    done = cleaning.actions("orders", chosen or {})
    for name in chosen or {}:
        if name not in ("exact_duplicate", "cancelled_order"):
            raise ConfigurationError(
                f"cleaning.{name} does not go with olist", hint="it has exact_duplicate and cancelled_order"
            )
    if done["exact_duplicate"] == "keep":
        raise ConfigurationError(
            "cleaning.exact_duplicate cannot be keep for olist: a row that stands twice would count twice",
            hint="use drop or refuse",
        )
    files = find(folder_of(data, scratch), [table.name for table in NEEDED], NOT_NEEDED)
    translated = TRANSLATION.name in files
    tables = (*NEEDED, TRANSLATION) if translated else NEEDED
    found = [_read(database, files[table.name], table, done["exact_duplicate"]) for table in tables]
    repeated = [cleaned for _, cleaned in found if cleaned.rows]
    orphans = {rule: _unmatched(database, *sides) for rule, sides in _LEFT_OUT.items()}
    database.raw_sql(
        _SQL.format(
            category="coalesce(product_category_name_english, product_category_name)"
            if translated
            else "product_category_name",
            translation=f"LEFT JOIN {TRANSLATION.name} USING (product_category_name)" if translated else "",
        )
    )
    cancelled = first_row(database, "SELECT count(*) FROM orders WHERE status = 'cancelled'")[0]
    if cancelled and done["cancelled_order"] == "refuse":
        raise BadValueError(
            f"{ORDERS_FILE.name}.csv: {cancelled} lines are of cancelled orders",
            hint="set cleaning.cancelled_order to drop or keep",
        )
    if done["cancelled_order"] == "drop":
        database.raw_sql("DELETE FROM orders WHERE status = 'cancelled'")
    return Loaded(
        source="olist",
        shape=ORDERS,
        table=database.table("orders"),
        columns=COLUMNS,
        catalogue=ORDER_FEATURES,
        read=tuple(table for table, _ in found),
        cleaning=(
            Cleaned(
                "exact_duplicate",
                sum(cleaned.rows for cleaned in repeated),
                dropped=True,
                example=repeated[0].example if repeated else "",
            ),
            *(Cleaned(rule, rows, dropped=True) for rule, rows in orphans.items()),
            Cleaned("cancelled_order", cancelled, dropped=done["cancelled_order"] == "drop"),
        ),
        links=tuple(_link(database, *sides) for sides in _LINKED),
    )


def _read(database: Backend, path: Path, table: FileTable, duplicates: Action) -> tuple[TableRead, Cleaned]:
    with progress.step(f"reading {path.name}", database.con):
        return read(database, path, table, duplicates)


def _link(database: Backend, table: FileTable, key: str, other: FileTable) -> Link:
    rows = int(first_row(database, f"SELECT count(*) FROM {table.name}")[0])
    return Link(table.name, other.name, key, rows, _unmatched(database, table, key, other))


def _unmatched(database: Backend, table: FileTable, key: str, other: FileTable) -> int:
    return int(first_row(database, f"SELECT count(*) FROM {table.name} ANTI JOIN {other.name} USING ({key})")[0])
