"""For compose.yaml: made-up customers ask for two minutes, so that the dashboards have what to show."""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pandas as pd

from segmentation.settings import load
from training import configuration, job
from training.database import open_database
from training.sources import sample

URL = os.environ["SERVICE_URL"]
CUSTOMERS, AT_ONCE, PAUSE_SECONDS = 6000, 50, 1.0
# Not those that the model was made of.
SEED = 20


def main() -> None:
    """Send them, some at a time: one half with their orders, the other with features."""
    with urlopen(f"{URL}/model", timeout=30) as answer:
        names = [feature["name"] for feature in json.load(answer)["features"]]
    asked = 0
    for body in [*_with_orders(), *_with_features(names)]:
        request = Request(f"{URL}/predict", json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=30) as answer:
                asked += len(json.load(answer)["predictions"])
        except HTTPError as error:
            sys.exit(error.read().decode())
        time.sleep(PAUSE_SECONDS)
    print(f"{asked:,} customers were told their segments")


def _with_orders() -> Iterator[dict[str, Any]]:
    orders = sample.generate(CUSTOMERS // 2, SEED)
    for name in orders.select_dtypes("datetime"):
        orders[name] = orders[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    as_of = orders["ordered_at"].max()
    customers = [
        {"customer_id": customer, "orders": [_known(row) for row in lines.to_dict("records")]}
        for customer, lines in orders.drop(columns="customer_id").groupby(orders["customer_id"])
    ]
    for first in range(0, len(customers), AT_ONCE):
        yield {"customers": customers[first : first + AT_ONCE], "as_of": as_of}


def _with_features(names: list[str]) -> Iterator[dict[str, Any]]:
    with open_database(load()) as database:
        loaded = sample.load(database, CUSTOMERS // 2, SEED + 1)
        customers = job.look(database, loaded, configuration.load("sample", None, ()), None).customers[names]
    # Whoever ordered once has no days between orders; `look` says there what the model takes instead.
    customers["mean_days_between_orders"] = customers["mean_days_between_orders"].where(customers["frequency"] > 1)
    for first in range(0, len(customers), AT_ONCE):
        some = customers.iloc[first : first + AT_ONCE]
        yield {
            "customer_id": [f"other-{customer}" for customer in some.index],
            "columns": {name: [None if pd.isna(value) else value for value in some[name].tolist()] for name in names},
        }


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not pd.isna(value)}


if __name__ == "__main__":
    main()
