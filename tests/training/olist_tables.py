"""A small folder in Olist's format, invented row by row, for tests that break it in one place each."""

import csv
from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from training import sources
from training.configuration import Configuration
from training.sources import Loaded

TABLES: dict[str, tuple[list[str], list[list[str]]]] = {
    "olist_customers_dataset": (
        ["customer_id", "customer_unique_id", "customer_city"],
        [[f"c{n}", f"person{n % 40}", "porto"] for n in range(60)],
    ),
    "olist_orders_dataset": (
        [
            "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
            "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
        ],
        [
            [
                f"o{n}", f"c{n}", "canceled" if n == 7 else "delivered", f"2018-0{1 + n % 8}-11 10:0{n % 10}:00",
                "2018-01-01 00:00:00", "2018-01-02 00:00:00",
                "" if n == 7 else f"2018-0{1 + n % 8}-2{n % 9} 12:00:00", f"2018-0{1 + n % 8}-25 00:00:00",
            ]
            for n in range(60)
        ],
    ),
    "olist_order_items_dataset": (
        ["order_id", "order_item_id", "product_id", "price", "freight_value"],
        [[f"o{n}", str(item), f"p{(n + item) % 5}", f"{10 + n}.50", "3.25"] for n in range(58) for item in (1, 2)],
    ),
    "olist_order_payments_dataset": (
        ["order_id", "payment_sequential", "payment_type", "payment_installments", "payment_value"],
        [[f"o{n}", str(part), "voucher", str(1 + n % 4), f"{13 + n}.75"] for n in range(59) for part in (1, 2)],
    ),
    "olist_order_reviews_dataset": (
        ["review_id", "order_id", "review_score", "review_comment_message", "review_answer_timestamp"],
        [
            [f"r{n}", f"o{n}", str(1 + n % 5), 'two\nlines, "quoted"', f"2018-09-0{1 + n % 9} 08:00:00"]
            for n in range(50)
        ]
        + [["r0-late", "o0", "5", "", "2018-12-01 08:00:00"]],
    ),
    "olist_products_dataset": (
        ["product_id", "product_category_name"],
        [[f"p{n}", ["beleza", "artes", "", "papel", "brinquedos"][n]] for n in range(5)],
    ),
    "product_category_name_translation": (
        ["product_category_name", "product_category_name_english"],
        [["beleza", "beauty"], ["artes", "art"], ["brinquedos", "toys"]],
    ),
}  # fmt: skip


def write(folder: Path) -> Path:
    """Write all tables as CSV; the translation with a byte-order mark, as it is published."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (header, rows) in TABLES.items():
        encoding = "utf-8-sig" if name == "product_category_name_translation" else "utf-8"
        with (folder / f"{name}.csv").open("w", newline="", encoding=encoding) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    return folder


def replace_in(folder: Path, table: str, old: str, new: str) -> int:
    """Replace one occurrence of a text in a table; gives the line on which it stood."""
    path = folder / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return line


def load(database: Backend, folder: Path, **keys: Any) -> Loaded:
    """The tables as canonical orders."""
    return sources.load(database, "olist", str(folder), Configuration(**keys))
