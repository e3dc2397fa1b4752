"""A whole base through a model: time and memory of `assign` as the base grows.

`python -m benchmarks.assign_at_scale [--customers 300000 1000000 3000000]`; each size runs in a process of its own.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from benchmarks.measure import command
from segmentation import clock
from segmentation.features import ORDER_FEATURES
from segmentation.model import NEEDED_TO_SERVE, assemble
from segmentation.settings import Settings
from segmentation.tables import ORDERS
from training import configuration, job
from training.assign import assign
from training.database import open_database
from training.sources import Loaded

SIZES = (300_000, 1_000_000, 3_000_000)
LINES_PER_CUSTOMER = 3.5

# Every value follows from the line's number: the same orders in every run, without a generator in memory.
ORDER_LINES = """
CREATE TABLE orders AS
SELECT
    'customer-' || (line % {customers}) AS customer_id,
    'order-' || (line // 2) AS order_id,
    TIMESTAMP '2024-01-01' + to_seconds(hash(line) % 60000000) AS ordered_at,
    'product-' || (hash(line) % 5000) AS product_id,
    'category-' || (hash(line) % 16) AS category,
    (1 + hash(line) % 3)::DECIMAL(12, 3) AS quantity,
    (hash(line) % 50000 / 100)::DECIMAL(18, 4) AS unit_price,
    (hash(line) % 90000 / 100)::DECIMAL(18, 4) AS payment_value,
    (1 + hash(line) % 5)::DECIMAL(7, 4) AS review_score,
    (hash(line) % 2000 / 100)::DECIMAL(18, 4) AS freight_value,
    (1 + hash(line) % 10)::INTEGER AS instalments,
    TIMESTAMP '2024-01-09' + to_seconds(hash(line) % 60000000) AS delivered_at,
    TIMESTAMP '2024-01-11' + to_seconds(hash(line) % 60000000) AS estimated_delivery_at,
    'delivered' AS status
FROM range({lines}) AS numbers(line)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=SIZES)
    parser.add_argument("--one", action="store_true", help="measure the first size in this process")
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.customers[0])
        return
    print("assign, 3.5 order lines a customer, DuckDB limited to 1 GB (peak: of the process, generation included)")
    for customers in arguments.customers:
        command(["-m", "benchmarks.assign_at_scale", "--one", "--customers", str(customers)], show=True)


def measure(customers: int) -> None:
    """Generate a base, assign it, print what that took."""
    settings = Settings(memory_limit="1GB")
    chosen = configuration.load("sample", assignments=["sample.customers=2000"])
    made = job.make("sample", None, chosen, settings, created=clock.now()).made
    model = assemble(made.card_content, {name: made.files[name] for name in NEEDED_TO_SERVE})
    lines = int(customers * LINES_PER_CUSTOMER)
    with tempfile.TemporaryDirectory() as folder, open_database(settings) as database:
        database.raw_sql(ORDER_LINES.format(customers=customers, lines=lines))
        orders = Loaded("generated", ORDERS, database.table("orders"), frozenset(ORDERS.names), ORDER_FEATURES)
        started = time.perf_counter()
        assigned = assign(database, orders, model, Path(folder, "segments.parquet"))
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {sum(assigned.customers.values()):10,} customers {lines:12,} lines {seconds:7.1f} s {peak:7.0f} MB peak")


if __name__ == "__main__":
    main()
