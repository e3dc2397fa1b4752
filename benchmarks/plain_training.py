"""The peer of `run --source olist`: the same features and model as people write them, in pandas and scikit-learn.

`python -m benchmarks.plain_training FOLDER OUT.pkl`
"""

import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def read(folder: Path) -> pd.DataFrame:
    """One row per order."""
    times = ["order_purchase_timestamp", "order_delivered_customer_date", "order_estimated_delivery_date"]
    orders = pd.read_csv(folder / "olist_orders_dataset.csv", parse_dates=times)
    customers = pd.read_csv(folder / "olist_customers_dataset.csv", usecols=["customer_id", "customer_unique_id"])
    items = pd.read_csv(folder / "olist_order_items_dataset.csv")
    payments = pd.read_csv(folder / "olist_order_payments_dataset.csv").groupby("order_id")
    reviews = pd.read_csv(folder / "olist_order_reviews_dataset.csv", parse_dates=["review_answer_timestamp"])
    reviews = reviews.sort_values("review_answer_timestamp").drop_duplicates("order_id", keep="last")
    orders = orders.merge(customers, on="customer_id").set_index("order_id")
    per_item = items.groupby("order_id")
    orders["pieces"] = per_item.size()
    orders["goods"] = per_item["price"].sum()
    orders["freight"] = per_item["freight_value"].sum()
    orders[["pieces", "goods", "freight"]] = orders[["pieces", "goods", "freight"]].fillna(0)
    orders["value"] = payments["payment_value"].sum()
    orders["value"] = orders["value"].fillna(orders["goods"] + orders["freight"])
    orders["instalments"] = payments["payment_installments"].max()
    orders["review_score"] = reviews.set_index("order_id")["review_score"]
    orders["delay"] = (orders[times[1]] - orders[times[2]]).dt.total_seconds() / 86_400
    orders["late"] = (orders["delay"] > 0).where(orders["delay"].notna())
    orders["cancelled"] = orders["order_status"] == "canceled"
    return orders


def categories(folder: Path, orders: pd.DataFrame) -> pd.Series:
    """Different categories bought, by person."""
    items = pd.read_csv(folder / "olist_order_items_dataset.csv", usecols=["order_id", "product_id"])
    products = pd.read_csv(folder / "olist_products_dataset.csv", usecols=["product_id", "product_category_name"])
    items = items.merge(products, on="product_id").merge(orders["customer_unique_id"], on="order_id")
    return items.groupby("customer_unique_id")["product_category_name"].nunique()


def days(span: "pd.Series[pd.Timedelta]") -> "pd.Series[float]":
    """Time spans in days."""
    return span.dt.total_seconds() / 86_400


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    orders = read(folder)
    as_of = orders["order_purchase_timestamp"].max()
    by = orders.groupby("customer_unique_id")
    first, last = by["order_purchase_timestamp"].min(), by["order_purchase_timestamp"].max()
    frequency = by.size()
    sums = by[["value", "pieces", "freight", "goods"]].sum()
    customers = pd.DataFrame(
        {
            "recency_days": days(as_of - last),
            "frequency": frequency,
            "monetary": sums["value"],
            "average_basket": sums["value"] / frequency,
            "tenure_days": days(as_of - first),
            "mean_days_between_orders": (days(last - first) / (frequency - 1)).where(frequency > 1),
            "items_per_order": sums["pieces"] / frequency,
            "distinct_categories": categories(folder, orders).reindex(frequency.index).fillna(0),
            "review_score": by["review_score"].mean(),
            "freight_share": sums["freight"] / (sums["goods"] + sums["freight"]),
            "instalments": by["instalments"].mean(),
            "delivery_delay_days": by["delay"].mean(),
            "late_share": by["late"].mean(),
            "cancelled_share": by["cancelled"].mean(),
        }
    ).astype(float)
    gap = "mean_days_between_orders"
    customers[gap] = customers[gap].fillna(customers[gap].median())
    customers = customers.fillna(customers.mean())
    clipped = ["monetary", "average_basket", gap, "items_per_order", "instalments", "delivery_delay_days"]
    customers[clipped] = customers[clipped].clip(*(customers[clipped].quantile(q) for q in (0.01, 0.99)), axis=1)
    logged = ["frequency", "distinct_categories", *clipped[:-1]]
    customers[logged] = np.log1p(customers[logged])
    model = make_pipeline(FunctionTransformer(), StandardScaler(), PCA(0.9), KMeans(5, n_init=10, random_state=0))
    labels = model.fit_predict(customers)
    value = silhouette_score(model[:-1].transform(customers), labels, sample_size=10_000, random_state=0)
    joblib.dump(model, out)
    print(f"{len(customers)} customers, silhouette {value:.4f}")


if __name__ == "__main__":
    main()
