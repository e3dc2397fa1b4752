"""The whole job on the real tables: published counts, one segment by three ways, and no customer in any artefact."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segmentation import scoring
from segmentation.privacy import SMALLEST_GROUP
from segmentation.registry import Registry, open_registry
from segmentation.scoring import score
from segmentation.settings import Settings
from segmentation.tables import ORDERS
from tests.conftest import MADE
from tests.quick import QUICK
from tests.servers import service
from tests.training.olist_tables import load
from training import configuration, job
from training.database import open_database

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def result(real_data: Path) -> job.Result:
    return job.make("olist", str(real_data / "olist"), configuration.load("olist"), Settings(), created=MADE)


@pytest.fixture(scope="module")
def published(result: job.Result, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    registry = open_registry(str(tmp_path_factory.mktemp("registry")))
    job.release(result, registry, "production")
    return registry


@pytest.fixture
def version(published: Registry) -> Path:
    return Path(published.url) / "models" / published.live("production").version


def test_the_published_counts(result: job.Result) -> None:
    counts = result.made.card.counts
    assert counts.customers == 96_096
    assert counts.orders == 99_441
    # 112,650 items and 775 orders without any.
    assert counts.rows == 113_425
    assert counts.one_order_customers is not None
    assert round(counts.one_order_customers / counts.customers, 4) == 0.9688
    assert (counts.earliest, counts.latest) == ("2016-09-04", "2018-10-17")
    found = {each.rule: each.rows for each in result.made.card.cleaning}
    # 625 cancelled orders; some of them are of several lines, 164 of none.
    assert found.pop("cancelled_order") == 706
    assert set(found.values()) == {0}
    assert set(result.made.card.left_out) == {"average_basket", "tenure_days"}
    assert len(result.made.card.features) == 12
    # 768 orders lack a review; the people behind 716 of them have no other order with one.
    assert result.snapshot.lacking["review_score"] == 716


def test_monetary_is_every_payment_once(result: job.Result, real_data: Path) -> None:
    payments = pd.read_csv(real_data / "olist" / "olist_order_payments_dataset.csv")["payment_value"].sum()
    # One order has no payment; its goods and freight stand in.
    assert result.snapshot.customers["monetary"].sum() == pytest.approx(payments + 143.46, abs=0.01)


def test_every_customer_has_one_segment_by_all_three_ways(result: job.Result, version: Path, tmp_path: Path) -> None:
    customers = result.snapshot.customers
    customers.to_parquet(tmp_path / "customers.parquet")
    # -I: neither the working directory nor PYTHONPATH; our packages cannot be found.
    code = """
import importlib.util, sys
assert importlib.util.find_spec("segmentation") is None and importlib.util.find_spec("training") is None
import joblib, numpy, pandas
customers = pandas.read_parquet(sys.argv[2])
numpy.save(sys.argv[3], joblib.load(sys.argv[1]).predict(customers))
"""
    subprocess.run(
        [sys.executable, "-I", "-c", code, version / "model.pkl", tmp_path / "customers.parquet", tmp_path / "out.npy"],
        cwd=tmp_path,
        check=True,
    )
    loaded = np.load(tmp_path / "out.npy")
    served = score(scoring.from_bytes((version / "scoring.npz").read_bytes()), customers.to_numpy())
    ties = served.margin <= 1e-9
    print(f"customers within 1e-9 of a border: {ties.sum()}")
    assert len(loaded) == 96_096
    assert (result.fitted.labels == loaded).all()
    assert (served.segment == loaded)[~ties].all()
    assert ties.sum() == result.made.card.metrics.near_ties


def test_two_thousand_customers_over_http_from_their_raw_orders(
    result: job.Result, published: Registry, real_data: Path, tmp_path: Path
) -> None:
    chosen = np.sort(np.random.default_rng(0).choice(96_096, 2_000, replace=False))
    names = result.snapshot.customers.index[chosen]
    with open_database(Settings()) as database:
        table = load(database, real_data / "olist").table
        frame = table.filter(table.customer_id.isin(names.tolist())).to_pandas()
    times = [column.name for column in ORDERS.columns if column.kind == "time"]
    numbers = [column.name for column in ORDERS.columns if column.kind in ("money", "quantity", "score")]
    frame[times] = frame[times].apply(lambda column: column.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    frame[numbers] = frame[numbers].astype(float)
    lines: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for record in json.loads(frame.to_json(orient="records")):
        lines[record.pop("customer_id")].append({key: value for key, value in record.items() if value is not None})
    found = []
    with service.running(published.url, tmp_path / "log") as running:
        for start in range(0, 2_000, 500):
            part = [{"customer_id": name, "orders": lines[name]} for name in names[start : start + 500]]
            answer = running.post("/predict", {"customers": part})
            assert answer.status == 200
            found += [prediction["segment"]["id"] for prediction in answer.json["predictions"]]
    undecided = result.fitted.scores.margin[chosen] <= 1e-9
    assert (np.array(found) == result.fitted.labels[chosen])[~undecided].all()


def test_one_order_customers_are_not_cut_into_halves_of_the_calendar(result: job.Result, real_data: Path) -> None:
    assert result.made.card.one_order["recency_days"] < 0.05
    assert max(result.made.card.one_order.values()) > 0.9
    all_features = configuration.load("olist", assignments=["redundant=null", "clustering.k=5", *QUICK])
    before = job.make("olist", str(real_data / "olist"), all_features, Settings(), created=MADE).made.card
    assert before.one_order["recency_days"] > 0.5


def test_no_artefact_holds_a_customer_id(result: job.Result, published: Registry, real_data: Path) -> None:
    customers = pd.read_csv(real_data / "olist" / "olist_customers_dataset.csv")
    names = pd.concat([customers["customer_unique_id"].drop_duplicates(), customers["customer_id"]])
    assert len(names) == 96_096 + 99_441
    # As text, as numpy's four bytes a letter, and as the bytes that the hexadecimal digits stand for.
    forms = {32: {name.encode() for name in names}, 128: {name.encode("utf-32-le") for name in names},
             16: {bytes.fromhex(name) for name in names}}  # fmt: skip
    files = [path for path in Path(published.url).rglob("*") if path.is_file()]
    assert len(files) == 1 + 5 + 3 + 7
    for path in files:
        content = path.read_bytes()
        for length, ids in forms.items():
            windows = {content[at : at + length] for at in range(len(content) - length + 1)}
            assert not windows & ids, path.name


def test_no_group_in_the_card_is_smaller_than_ten(result: job.Result) -> None:
    assert min(min(monitor.counts) for monitor in result.made.card.drift.monitors) >= SMALLEST_GROUP


def test_no_customer_s_row_is_a_golden_row(result: job.Result) -> None:
    customers = {row.tobytes() for row in result.snapshot.customers.to_numpy()}
    card = result.made.card
    golden = [row.features for row in card.golden_rows] + [history.features for history in card.golden_histories]
    assert not customers & {np.array(features).tobytes() for features in golden}
