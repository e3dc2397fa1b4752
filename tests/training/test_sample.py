"""The generated shop is a shop: recognisable behaviours, mostly one-order customers, the same for the same seed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from segmentation.settings import Settings
from tests.conftest import MADE
from tests.quick import QUICK
from training import configuration, job
from training.sources import sample


@pytest.mark.parametrize("seed", [7, 8])
def test_the_features_recover_the_behaviours_where_plain_rfm_does_not(seed: int) -> None:
    chosen = configuration.load("sample", assignments=["sample.customers=4000", f"sample.seed={seed}", *QUICK])
    result = job.make("sample", None, chosen, Settings(), created=MADE)
    customers = result.snapshot.customers
    truth = sample.behaviours(4000, seed).loc[customers.index]
    recovered = adjusted_rand_score(truth, result.fitted.labels)
    rfm = StandardScaler().fit_transform(customers[["recency_days", "frequency", "monetary"]])
    plain = adjusted_rand_score(truth, KMeans(5, n_init=10, random_state=0).fit_predict(rfm))
    print(f"ARI with the true behaviours: {recovered:.3f}; standardised RFM + KMeans: {plain:.3f}")
    assert recovered >= 0.85
    assert plain < 0.75


def test_most_customers_order_once(sample_result: job.Result) -> None:
    extent = sample_result.snapshot.extent
    assert extent.one_order_customers is not None
    assert extent.one_order_customers / extent.customers >= 0.6


def test_size_and_seed_decide_everything() -> None:
    orders = sample.generate(500, 1)
    assert orders["customer_id"].nunique() == 500
    pd.testing.assert_frame_equal(orders, sample.generate(500, 1))
    assert not orders.equals(sample.generate(500, 2))


def test_every_behaviour_is_there_and_ids_do_not_tell_it() -> None:
    truth = sample.behaviours(2000, 3)
    assert set(truth) == {behaviour.name for behaviour in sample.BEHAVIOURS}
    numbers = truth.index.str.removeprefix("customer-").astype(int).to_numpy()
    codes = pd.factorize(truth, sort=True)[0]
    assert abs(np.corrcoef(numbers, codes)[0, 1]) < 0.08


def test_orders_are_canonical() -> None:
    orders = sample.generate(2000, 5)
    assert orders["ordered_at"].between(sample.START, sample.END).all()
    assert (orders["quantity"] >= 1).all()
    assert (orders["unit_price"] > 0).all()
    assert orders.groupby("order_id")[["payment_value", "ordered_at", "status"]].nunique().max().max() == 1
    assert orders.loc[orders["status"] == "cancelled", "delivered_at"].isna().all()
    goods = (orders["quantity"] * orders["unit_price"]).groupby(orders["order_id"]).sum()
    once = orders.drop_duplicates("order_id").set_index("order_id")
    assert np.allclose(goods + once["freight_value"], once["payment_value"])
