"""POST /predict from raw orders, inside the process: decode, features by SQL, segment; beside pandas + scikit-learn.

`python -m benchmarks.raw_orders`
"""

import json
import tempfile
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

from benchmarks.measure import call
from benchmarks.plain_training import days
from segmentation import clock
from segmentation.registry import open_registry
from segmentation.settings import Settings
from service.decoding import Limits
from service.live_model import LiveModel
from service.predictions import assign
from training import configuration, job
from training.sources import sample

CUSTOMERS = 1_000


def main() -> None:
    chosen = configuration.load("sample", assignments=[f"sample.customers={CUSTOMERS}"])
    result = job.make("sample", None, chosen, Settings(), created=clock.now())
    with tempfile.TemporaryDirectory() as folder:
        registry = open_registry(folder)
        job.release(result, registry, "production")
        live = LiveModel(registry, "production", Limits(customers=CUSTOMERS, orders=100_000))
        live.refresh()
    serving = live.current()
    frame = sample.generate(CUSTOMERS, chosen.sample.seed)
    lines = {
        str(name): json.loads(part.drop(columns="customer_id").to_json(orient="records", date_format="iso"))
        for name, part in frame.groupby("customer_id")
    }
    print("raw orders to segments, in process, median")
    for number, times in ((1, 200), (CUSTOMERS, 7)):
        body = json.dumps({"customers": [{"orders": orders} for orders in list(lines.values())[:number]]}).encode()
        ours = call(lambda: assign(serving.model, serving.decoder.decode(body)), times)  # noqa: B023
        plain = call(lambda: plain_predict(result.fitted.pipeline, result.snapshot.fills, body), max(times // 10, 5))  # noqa: B023
        print(f"  {number:5} customers: ours {ours * 1e3:8.2f} ms   pandas + scikit-learn {plain * 1e3:8.2f} ms   "
              f"{plain / ours:.1f}x")  # fmt: skip


def plain_predict(pipeline: Pipeline, fills: dict[str, float], body: bytes) -> list[int]:
    """Segments as people predict them in a service."""
    features = plain_features(json.loads(body)["customers"])
    return [int(label) for label in pipeline.predict(features.fillna(fills))]


def plain_features(customers: list[dict[str, Any]]) -> pd.DataFrame:
    """The same features as people write them in a service."""
    lines = pd.DataFrame([line | {"customer": n} for n, item in enumerate(customers) for line in item["orders"]])
    for column in ("ordered_at", "delivered_at", "estimated_delivery_at"):
        lines[column] = pd.to_datetime(lines[column], utc=True)
    lines["goods"] = lines["quantity"] * lines["unit_price"]
    facts = ["ordered_at", "payment_value", "freight_value", "review_score", "instalments", "delivered_at",
             "estimated_delivery_at", "status"]  # fmt: skip
    orders = lines.groupby(["customer", "order_id"]).agg(
        dict.fromkeys(facts, "max") | {"quantity": "sum", "goods": "sum"}
    )
    orders["delay"] = (orders["delivered_at"] - orders["estimated_delivery_at"]).dt.total_seconds() / 86_400
    orders["late"] = (orders["delay"] > 0).where(orders["delay"].notna()).astype(float)
    orders["cancelled"] = (orders["status"] == "cancelled").astype(float)
    by = orders.groupby("customer")
    frequency, first, last = by.size(), by["ordered_at"].min(), by["ordered_at"].max()
    as_of = pd.Timestamp(datetime(2025, 12, 31, tzinfo=UTC))
    return pd.DataFrame(
        {
            "recency_days": days(as_of - last),
            "frequency": frequency,
            "monetary": by["payment_value"].sum(),
            "average_basket": by["payment_value"].sum() / frequency,
            "tenure_days": days(as_of - first),
            "mean_days_between_orders": (days(last - first) / (frequency - 1)).where(frequency > 1),
            "items_per_order": by["quantity"].sum() / frequency,
            "distinct_categories": lines.groupby("customer")["category"].nunique(),
            "review_score": by["review_score"].mean(),
            "freight_share": by["freight_value"].sum() / (by["goods"].sum() + by["freight_value"].sum()),
            "instalments": by["instalments"].mean(),
            "delivery_delay_days": by["delay"].mean(),
            "late_share": by["late"].mean(),
            "cancelled_share": by["cancelled"].mean(),
        }
    ).astype(float)


if __name__ == "__main__":
    main()
