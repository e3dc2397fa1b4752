"""The orders of a month that never was, for the worked example of docs/experiments.md.

`python examples/experiment/generate_orders.py free-shipping orders.parquet`: the members of that plan order as often
as their segment usually does, and those with free shipping more often: by 40 %, but not at all among the dissatisfied.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import parquet

USUAL = {0: 0.05, 1: 0.07, 2: 0.04, 3: 0.06, 4: 0.12}
LIFT = {0: 0.4, 1: 0.4, 2: 0.0, 3: 0.4, 4: 0.4}
FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 28


def main(plan: Path, out: Path) -> None:
    rng = np.random.default_rng(2026)
    with duckdb.connect() as connection:
        connection.execute(f"FROM read_parquet('{plan / 'membership.parquet'}') ORDER BY customer_id")
        members = connection.fetchnumpy()
    segments, treated = members["segment_id"], members["arm"] == "free_shipping"
    usual = np.array([USUAL[segment] for segment in segments])
    # Who ordered often does so again: in proportion, within a segment.
    orders_so_far = np.asarray(members["covariate"], dtype=np.float64)
    mean = {segment: orders_so_far[segments == segment].mean() for segment in USUAL}
    chance = usual * orders_so_far / np.array([mean[segment] for segment in segments])
    chance *= np.where(treated, 1 + np.array([LIFT[s] for s in segments]), 1.0)
    orders = np.repeat(members["customer_id"], rng.poisson(-np.log1p(-np.minimum(chance, 0.9))))
    moments = [FIRST_DAY + timedelta(seconds=float(second)) for second in rng.uniform(0, DAYS * 86_400, len(orders))]
    amounts = np.round(rng.lognormal(4.0, 0.7, len(orders)), 2)
    table = {
        "customer_id": orders.astype(str),
        "ordered_at": pa.array(moments, pa.timestamp("us", "UTC")),
        "amount": amounts,
    }
    parquet.write_table(pa.table(table), out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
