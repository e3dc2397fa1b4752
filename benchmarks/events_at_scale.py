"""Event files to features: time and memory as the files grow, beside pandas on the largest size that it manages.

`python -m benchmarks.events_at_scale [--events 10000000 30000000 100000000] [--pandas 10000000] [--orders 15000000]`
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.measure import command, peak_megabytes
from segmentation.settings import Settings
from training import configuration, job, sources
from training.database import open_database

SIZES = (10_000_000, 30_000_000, 100_000_000)
PANDAS = 10_000_000
ORDER_LINES = 15_000_000
USERS_PER_EVENT = 0.033
LIMIT = "2GB"

# The shape of REES46: sessions of about five events around one category, products looked at again and again; every
# value follows from the event's number, so that each run has the same events without a generator in memory.
EVENTS = """
COPY (
    WITH numbers AS (SELECT i, hash(i) AS h, i // 5 AS visit, hash(i // 5) AS v FROM range({events}) AS r(i)),
    seen AS (
        SELECT *, CASE WHEN h % 10 < 9 THEN v % 620 ELSE (h >> 8) % 620 END AS category,
            CASE WHEN h % 2 = 0 THEN (v >> 12) % 64 ELSE (h >> 20) % 64 END AS item
        FROM numbers
    )
    SELECT
        TIMESTAMP '2019-10-01' + to_seconds((v % 18316800 + h % 1800)::BIGINT) AS event_time,
        CASE WHEN h % 1000 < 930 THEN 'view' WHEN h % 1000 < 965 THEN 'cart'
            WHEN h % 1000 < 975 THEN 'remove_from_cart' ELSE 'purchase' END AS event_type,
        (1000000 + category * 64 + item)::BIGINT AS product_id,
        (2053013552259662000 + category)::BIGINT AS category_id,
        CASE WHEN category % 3 = 0 THEN NULL ELSE 'electronics.department' || (category % 130) END AS category_code,
        CASE WHEN item % 7 = 0 THEN NULL ELSE 'brand' || (hash(category * 8 + item // 8) % 3000) END AS brand,
        ((hash(category * 64 + item) % 100000) / 100)::DOUBLE AS price,
        (500000000 + hash(visit) % {users})::BIGINT AS user_id,
        printf('%08x-%04x-4000-8000-%012x', (v % 4294967296)::BIGINT, ((v >> 40) % 65536)::BIGINT, visit)
            AS user_session
    FROM seen
) TO '{file}' (FORMAT PARQUET)
"""

ORDERS = """
COPY (
    SELECT
        'customer-' || (hash(line // 3) % {customers}) AS customer_id,
        'order-' || (line // 3) AS order_id,
        TIMESTAMP '2023-01-01' + to_seconds((hash(line // 3) % 63000000)::BIGINT) AS ordered_at,
        'product-' || (hash(line) % 20000) AS product_id,
        'category-' || (hash(line) % 60) AS category,
        (1 + hash(line) % 3)::INTEGER AS quantity,
        ((hash(line) % 20000) / 100)::DOUBLE AS unit_price
    FROM range({lines}) AS r(line)
) TO '{file}' (FORMAT PARQUET)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="*", default=SIZES)
    parser.add_argument("--pandas", type=int, default=PANDAS, help="events that pandas is given; 0: none")
    parser.add_argument("--orders", type=int, default=ORDER_LINES, help="order lines; 0: none")
    parser.add_argument("--one", choices=("ours", "pandas"), help="measure one file in this process")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--source", default="rees46")
    arguments = parser.parse_args()
    if arguments.one == "ours":
        ours(arguments.file, arguments.source)
        return
    if arguments.one == "pandas":
        theirs(arguments.file)
        return
    print(f"Parquet to features, DuckDB limited to {LIMIT}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for events in sorted({*arguments.events, *([arguments.pandas] if arguments.pandas else [])}):
            file = Path(folder, "2019-events.parquet")
            generate(EVENTS.format(events=events, users=max(1_000, int(events * USERS_PER_EVENT)), file=file))
            print(f"{events:12,} events", flush=True)
            for peer in ("ours", *(["pandas", "ours", "pandas"] if events == arguments.pandas else [])):
                command(["-m", "benchmarks.events_at_scale", "--one", peer, "--file", str(file)], show=True)
            file.unlink()
        if arguments.orders:
            file = Path(folder, "orders.parquet")
            generate(ORDERS.format(lines=arguments.orders, customers=arguments.orders // 5, file=file))
            print(f"{arguments.orders:12,} order lines", flush=True)
            command(
                ["-m", "benchmarks.events_at_scale", "--one", "ours", "--file", str(file), "--source", "transactions"],
                show=True,
            )


def generate(sql: str) -> None:
    """Write a file."""
    with tempfile.TemporaryDirectory() as spill:
        limits: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": LIMIT,
            "temp_directory": spill,
            "preserve_insertion_order": False,
        }
        with duckdb.connect(config=limits) as connection:
            connection.execute(sql)


def ours(file: Path, source: str) -> None:
    """Files to features as `run` makes them: cleaned, deduplicated, every row accounted for."""
    chosen = configuration.load(source)
    started = time.perf_counter()
    with open_database(Settings(memory_limit=LIMIT)) as database:
        loaded = sources.load(database, source, str(file), chosen)
        read = time.perf_counter() - started
        snapshot = job.look(database, loaded, chosen)
        seconds = time.perf_counter() - started
    customers, features = snapshot.customers.shape
    told = f"{customers:,} customers, {features} features, {read:.1f} s of it reading and cleaning"
    print(f"    ours   {seconds:7.1f} s {peak_megabytes():6.0f} MB  {told}")


def theirs(file: Path) -> None:
    """The same features by pandas as one would write them with care: typed columns, one pass per group of features."""
    import pandas as pd

    started = time.perf_counter()
    columns = ["event_time", "event_type", "product_id", "category_code", "brand", "price", "user_id", "user_session"]
    frame = pd.read_parquet(file, columns=columns)
    frame = frame.drop_duplicates()
    for name in ("event_type", "category_code", "brand"):
        frame[name] = frame[name].astype("category").cat.codes.astype("int32")
    kinds = dict(enumerate(sorted(["view", "cart", "remove_from_cart", "purchase"])))
    frame["user_session"] = pd.factorize(frame["user_session"])[0]
    frame["day"] = frame["event_time"].dt.floor("D")
    hour, weekday = frame["event_time"].dt.hour, frame["event_time"].dt.day_of_week
    by = frame.groupby("user_id", sort=True)
    as_of = frame["event_time"].max()
    last = by["event_time"].max()
    features = {"days_since_last_event": (as_of - last).dt.total_seconds() / 86_400, "total_events": by.size()}
    counted = pd.crosstab(frame["user_id"], frame["event_type"])
    for code, name in kinds.items():
        features[f"total_{name}"] = counted[code]
    purchase = next(code for code, name in kinds.items() if name == "purchase")
    bought = frame[frame["event_type"] == purchase]
    index = features["total_events"].index
    features["total_spent"] = bought.groupby("user_id")["price"].sum().reindex(index, fill_value=0)
    for name, column in {
        "sessions": "user_session", "distinct_products": "product_id", "active_days": "day",
        "distinct_categories": "category_code", "distinct_brands": "brand",
    }.items():  # fmt: skip
        known = frame[frame[column] >= 0] if frame[column].dtype.kind == "i" else frame
        features[name] = known.groupby("user_id")[column].nunique().reindex(index, fill_value=0)
    sessions = bought.groupby("user_id")["user_session"].nunique().reindex(index, fill_value=0)
    features["session_conversion"] = sessions / features["sessions"]
    features["view_to_cart"] = features["total_cart"] / features["total_view"]
    features["view_to_purchase"] = features["total_purchase"] / features["total_view"]
    features["cart_abandonment"] = 1 - features["total_purchase"] / features["total_cart"]
    for name, condition in {
        "night_share": hour < 6, "morning_share": (hour >= 6) & (hour < 12), "evening_share": hour >= 18,
        "weekend_share": weekday >= 5,
    }.items():  # fmt: skip
        features[name] = condition.groupby(frame["user_id"]).mean()
    table = pd.DataFrame(features)
    customers, width = table.shape
    seconds = time.perf_counter() - started
    print(f"    pandas {seconds:7.1f} s {peak_megabytes():6.0f} MB  {customers:,} customers, {width} features")


if __name__ == "__main__":
    main()
