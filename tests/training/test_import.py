"""`models import`: a Pipeline from a notebook becomes a version that is served, judged and kept like any other."""

import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from click.testing import CliRunner, Result
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from segmentation.card import Card
from segmentation.imported import Imported
from segmentation.registry import open_registry
from segmentation.scores import decode
from segmentation.settings import Settings
from service.app import create_app
from tests.quick import QUICK_OPTIONS
from tests.servers.service import running
from tests.training.notebook import COLUMNS, RENAMED, Hostile, digest, dump, k_means, mall
from training.cli import cli

QUICK = ("--set", "report=null", "--set", "refits.times=2", "--set", "refits.rows=1000")
Arguments = tuple[str | Path, ...]
RFM = ("recency_days", "frequency", "monetary")
SHOP: Arguments = ("--source", "sample", "--set", "sample.customers=900", *QUICK_OPTIONS)


def run(*arguments: str | Path, **environment: str) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments)], env=environment, standalone_mode=False)


def scaled(*before: tuple[str, object], k: int = 5) -> Pipeline:
    return Pipeline([*before, ("scaler", StandardScaler()), ("kmeans", k_means(k))])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mall's list as CSV, and a Pipeline that was fitted on it, as most notebooks do it."""
    made = tmp_path_factory.mktemp("notebook")
    customers = mall()
    customers.to_csv(made / "Mall_Customers.csv", index=False)
    dump(Pipeline([("scaler", StandardScaler()), ("pca", PCA(2)), ("kmeans", k_means())]).fit(customers[COLUMNS]), made)
    return made


def ours() -> pd.DataFrame:
    """The mall's customers, their columns called as our features are."""
    return mall()[COLUMNS].set_axis(["annual_income", "spending_score"], axis=1)


def from_the_mall(file: Path, trusted: str, data: Path, folder: Path) -> Arguments:
    registry = folder / "models"
    return ("models", "import", file, "--trust", trusted, "--source", "mall", "--data", data, "--registry", registry)


@pytest.fixture(scope="module")
def imported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A registry in which the notebook's Pipeline is live, and what the command said."""
    registry = tmp_path_factory.mktemp("imported") / "models"
    file = folder / "pipeline.pkl"
    renamed = [part for each in RENAMED for part in ("--rename", each)]
    only = ("--set", "comparison.algorithms=[k-means]")
    done = run(*from_the_mall(file, digest(file), folder, registry.parent), *renamed, *QUICK, *only)
    assert done.exit_code == 0, done.exception
    return registry, done.output


def card_of(registry: Path) -> Card:
    opened = open_registry(str(registry))
    return opened.card(opened.live("production").version)


def test_the_service_gives_the_notebook_s_labels_to_a_thousand_customers(
    imported: tuple[Path, str], folder: Path, tmp_path: Path
) -> None:
    pipeline = pickle_of(folder / "pipeline.pkl")
    rng = np.random.default_rng(3)
    customers = pd.DataFrame(rng.uniform(0, 110, (1000, 2)), columns=COLUMNS)
    columns = dict(zip(("annual_income", "spending_score"), customers.to_numpy().T.tolist(), strict=True))
    with running(str(imported[0]), tmp_path / "log", workers=1) as service:
        answer = service.post("/predict", {"columns": columns})
        assert answer.status == 200
        served = [each["segment"]["id"] for each in answer.json["predictions"]]
        assert service.get("/model").json["imported"]["clusters"] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(served, pipeline.predict(customers))


def pickle_of(path: Path) -> Pipeline:
    return joblib.load(path)


def test_the_card_says_what_was_imported_and_what_was_measured(imported: tuple[Path, str], folder: Path) -> None:
    registry, said = imported
    card = card_of(registry)
    told = card.imported
    assert isinstance(told, Imported)
    assert told.sha256 == digest(folder / "pipeline.pkl")
    assert told.steps == ("scaler: StandardScaler", "pca: PCA", "kmeans: KMeans")
    assert told.features == ((COLUMNS[0], "annual_income"), (COLUMNS[1], "spending_score"))
    assert card.feature_names == ("annual_income", "spending_score")
    assert card.selection is None
    assert (card.configuration["clustering"]["k"], card.configuration["features"]) == (5, list(card.feature_names))
    assert [segment.customers for segment in card.segments] == np.bincount(
        pickle_of(folder / "pipeline.pkl").predict(mall()[COLUMNS])
    ).tolist()
    assert card.metrics.variance_kept == pytest.approx(1.0)
    assert card.gate is not None
    assert "fitted-on" in [check.name for check in card.gate.checks]
    assert "scaler: StandardScaler; pca: PCA; kmeans: KMeans, fitted by scikit-learn" in " ".join(said.split())
    score = next(
        each for each in decode(open_registry(str(registry)).read_file(card.version, "scores.json")) if each.computed
    )
    assert (score.parameters, score.notes) == ({}, ("the model itself, imported",))


def test_the_published_pipeline_is_a_new_one_without_what_the_file_holds(
    imported: tuple[Path, str], folder: Path
) -> None:
    registry, _ = imported
    opened = open_registry(str(registry))
    published = pickle_of(registry / "models" / opened.live("production").version / "model.pkl")
    assert not hasattr(published[-1], "labels_")
    customers = mall()[COLUMNS]
    np.testing.assert_array_equal(published.predict(ours()), pickle_of(folder / "pipeline.pkl").predict(customers))


def test_a_published_model_can_be_imported_into_another_registry(
    imported: tuple[Path, str], folder: Path, tmp_path: Path
) -> None:
    registry, _ = imported
    version = open_registry(str(registry)).live("production").version
    file = registry / "models" / version / "model.pkl"
    done = run(*from_the_mall(file, digest(file), folder, tmp_path), *QUICK_OPTIONS)
    assert done.exit_code == 0, done.exception
    again, before = card_of(tmp_path / "models"), card_of(registry)
    assert [segment.customers for segment in again.segments] == [segment.customers for segment in before.segments]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, pd.DataFrame]:
    """A folder, a registry in which a model of the generated shop is live, and the customers' features."""
    made = tmp_path_factory.mktemp("shop")
    registry = made / "models"
    features = ("--set", f"features=[{','.join(RFM)}]", "--set", "clustering.k=3")
    assert run("run", *SHOP, *features, "--registry", registry).exit_code == 0
    done = run("assign", *SHOP, "--registry", registry, "--out", made / "all.parquet", "--with-features")
    assert done.exit_code == 0, done.exception
    return made, registry, pd.read_parquet(made / "all.parquet")


def test_an_array_s_pipeline_takes_orders_once_its_columns_are_named(shop: tuple[Path, Path, pd.DataFrame]) -> None:
    """Imported over a live model: segments that are the same keep their ids, whatever the notebook numbers them."""
    folder, registry, customers = shop
    rows = customers[list(RFM)].to_numpy()
    # Begun from the live segments, in another order.
    groups = [customers.index[customers["segment_id"] == id_] for id_ in (2, 0, 1)]
    pipeline = scaled(("log", FunctionTransformer(np.log1p)), k=3).fit(rows)
    space = pipeline[:-1].transform(rows)
    pipeline[-1].cluster_centers_ = np.array([space[group].mean(axis=0) for group in groups])
    file, trusted = dump(pipeline, folder, "array.pkl", compress=3)
    arguments: Arguments = ("models", "import", file, "--trust", trusted, *SHOP, "--registry", registry)
    done = run(*arguments, "--features", ",".join(RFM), "--set", "gate.moved=1", "--set", "gate.stability=0")
    assert done.exit_code == 0, done.exception
    card = card_of(registry)
    assert card.imported is not None
    survived = {each.id for each in card.lineage.segments if each.status == "survived"} if card.lineage else set()
    assert survived == {0, 1, 2}
    assert dict(zip([segment.id for segment in card.segments], card.imported.clusters, strict=True)) == {
        2: 0,
        0: 1,
        1: 2,
    }
    assert [feature.transform for feature in card.features] == ["log1p"] * 3
    client = create_app(Settings(registry=str(registry))).test_client()
    features = dict(zip(RFM, (20.0, 3.0, 250.0), strict=True))
    answer = client.post("/predict", json={"features": features}).get_json()
    cluster = int(pipeline.predict(np.array([list(features.values())]))[0])
    assert answer["predictions"][0]["segment"]["id"] == {0: 2, 1: 0, 2: 1}[cluster]
    orders = [{"order_id": "1", "ordered_at": "2025-12-01T10:00:00Z", "quantity": 1, "unit_price": 30}]
    assert client.post("/predict", json={"orders": orders}).status_code == 200


def test_another_unit_is_refused_by_the_gate_and_published(
    shop: tuple[Path, Path, pd.DataFrame], tmp_path: Path
) -> None:
    """Fitted on cents, imported with euros: the names are the same, the customers are not."""
    _, _, customers = shop
    cents = customers[list(RFM)].assign(monetary=customers["monetary"] * 100)
    # Two segments by recency, so that none is empty.
    file, trusted = dump(
        scaled(k=2).fit(cents.assign(monetary=cents["monetary"], frequency=cents["frequency"])), tmp_path
    )
    done = run("models", "import", file, "--trust", trusted, *SHOP, "--registry", tmp_path / "models")
    assert "fitted-on" in str(done.exception)
    assert "monetary (mean, " in str(done.exception)
    opened = open_registry(str(tmp_path / "models"))
    assert (len(opened.versions()), opened.sequence("production")) == (1, 0)


def test_published_only_is_not_live_until_it_is_promoted(shop: tuple[Path, Path, pd.DataFrame], tmp_path: Path) -> None:
    file, trusted = dump(scaled(k=3).fit(shop[2][list(RFM)]), tmp_path)
    registry = tmp_path / "models"
    keys = tmp_path / "keys"
    assert run("models", "keygen", "--out", keys).exit_code == 0
    signed: dict[str, str] = {
        "SEGMENTATION_SIGNING_KEY_FILE": str(keys / "signing.key"),
        "SEGMENTATION_PUBLIC_KEY_FILE": str(keys / "signing.pub"),
    }
    arguments: Arguments = ("models", "import", file, "--trust", trusted, *SHOP, "--registry", registry, "--no-promote")
    unsigned = run(*arguments, SEGMENTATION_PUBLIC_KEY_FILE=signed["SEGMENTATION_PUBLIC_KEY_FILE"])
    assert "SEGMENTATION_SIGNING_KEY_FILE is not" in str(unsigned.exception)
    done = run(*arguments, **signed)
    assert done.exit_code == 0, done.exception
    opened = open_registry(str(registry))
    (version,) = opened.versions()
    assert opened.sequence("production") == 0
    assert (registry / "models" / version / "card.sig").exists()
    assert run("models", "promote", version, "--registry", registry, **signed).exit_code == 0
    assert opened.sequence("production") == 1


def test_a_cluster_that_nobody_is_in_is_told(folder: Path, tmp_path: Path) -> None:
    pipeline = scaled().fit(ours())
    pipeline[-1].cluster_centers_[3] = 1e6
    file, trusted = dump(pipeline, tmp_path)
    done = run(
        "models", "import", file, "--trust", trusted, "--source", "mall", "--data", folder, "--registry", tmp_path / "m"
    )
    assert "fewer than 10 of these 200 customers in its cluster 3" in str(done.exception)


def test_another_version_single_precision_and_smallest_values_are_taken_in_and_said(
    folder: Path, tmp_path: Path
) -> None:
    customers = ours().astype(np.float32)
    pipeline = Pipeline([("scaler", MinMaxScaler()), ("kmeans", k_means())]).fit(customers)
    assert pipeline[-1].cluster_centers_.dtype == np.float32
    file = tmp_path / "old.pkl"
    file.write_bytes(pickle.dumps(pipeline).replace(sklearn.__version__.encode(), b"1.5.0"))
    done = run(*from_the_mall(file, digest(file), folder, tmp_path), *QUICK_OPTIONS)
    assert done.exit_code == 0, done.exception
    assert "fitted by scikit-learn 1.5.0, opened by" in done.stderr
    assert "single customers'" in done.stderr
    card = card_of(tmp_path / "models")
    assert card.imported is not None
    assert card.imported.scikit_learn == "1.5.0"


def test_a_hostile_file_ends_with_exit_2_and_has_done_nothing(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "written"
    file, trusted = dump(Hostile(target), tmp_path)
    done = run(
        "models", "import", file, "--trust", trusted, "--source", "mall", "--data", folder, "--registry", tmp_path / "m"
    )
    assert "asks for posix.system, which no Pipeline needs; nothing of that was run" in str(done.exception)
    assert getattr(done.exception, "exit_status", 0) == 2
    assert not target.exists()


@pytest.mark.real_data
def test_the_well_known_list_and_its_published_five_segments(real_data: Path, tmp_path: Path) -> None:
    customers = pd.read_csv(real_data / "mall" / "Mall_Customers.csv")[COLUMNS]
    file, trusted = dump(scaled().fit(customers), tmp_path)
    renamed = [part for each in RENAMED for part in ("--rename", each)]
    done = run(*from_the_mall(file, trusted, real_data / "mall", tmp_path), *renamed, *QUICK_OPTIONS)
    assert done.exit_code == 0, done.exception
    assert card_of(tmp_path / "models").metrics.silhouette == pytest.approx(0.5547, abs=0.001)


def test_a_logarithm_of_a_customer_table_s_number_bounds_it_from_below(tmp_path: Path) -> None:
    """The table's mapping says nothing of it: the Pipeline does."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"income": rng.lognormal(size=120), "visits": np.repeat([1.0, 20.0], 60)})
    pipeline = Pipeline([("log", FunctionTransformer(np.log1p)), ("scaler", StandardScaler()), ("kmeans", k_means(2))])
    file, trusted = dump(pipeline.fit(people), tmp_path)
    mapping = tmp_path / "people.yaml"
    mapping.write_text("table: profiles\nnumbers: {income: income, visits: visits}\n", encoding="utf-8")
    data = tmp_path / "people.csv"
    arguments: Arguments = (
        "models", "import", file, "--trust", trusted, "--source", "profiles", "--data", data, "--mapping", mapping,
        "--registry", tmp_path / "models", *QUICK,
    )  # fmt: skip
    people.assign(income=[-2, *people["income"][1:]]).rename_axis("customer_id").to_csv(data)
    refused = run(*arguments)
    assert "takes log1p of income, and 1 of 120 customers have less than 0" in str(refused.exception)
    assert refused.exception.exit_status == 2  # type: ignore[union-attr]
    people.rename_axis("customer_id").to_csv(data)
    done = run(*arguments)
    assert done.exit_code == 0, done.exception
    assert [feature.low for feature in card_of(tmp_path / "models").features] == [0, 0]
