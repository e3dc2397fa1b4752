"""The real files besides Olist's: their published counts, their traps, their published results."""

import json
from pathlib import Path

import pandas as pd
import pytest
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import silhouette_score

from segmentation.settings import Settings
from tests.conftest import MADE
from tests.quick import QUICK
from tests.servers import commands
from tests.training.reading import counts, example
from training import configuration, job, sources
from training.configuration import Configuration
from training.database import open_database

pytestmark = pytest.mark.real_data

VARIANTS = {
    "Mall_Customers.csv": 200,
    "Mall_Customers_crlf_variant.csv": 200,
    "Mall_Customers_renamed_headers_variant.csv": 200,
    "Mall_Customers_800rows_dirty_variant.csv": 800,
}


def test_the_events_are_all_accounted_for(real_data: Path) -> None:
    with open_database(Settings()) as database:
        loaded = sources.load(database, "rees46", str(real_data / "rees46"), Configuration())
        assert loaded.read[0].rows == 17_435
        found = counts(loaded)
        assert (found["truncated_last_line"], found["exact_duplicate"]) == (1, 5)
        assert example(loaded, "truncated_last_line") == "2019-Oct_team11.csv, line 17436"
        assert set(found) == {"truncated_last_line", "exact_duplicate", "zero_price"}
        table = loaded.table
        assert table.count().to_pyarrow().as_py() == 17_429
        # The 4,505th user is the one whose id was cut.
        assert table.customer_id.nunique().to_pyarrow().as_py() == 4_504
        assert (table.event_type == "purchase").sum().to_pyarrow().as_py() == 214
        assert table.category.isnull().sum().to_pyarrow().as_py() > 5_700


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_of_the_mall_s_list_is_read(real_data: Path, name: str) -> None:
    with open_database(Settings()) as database:
        loaded = sources.load(database, "mall", str(real_data / "mall" / name), Configuration())
        snapshot = job.look(database, loaded, configuration.load("mall"))
    assert len(snapshot.customers) == VARIANTS[name]
    assert loaded.ignored == ("age",)
    if VARIANTS[name] == 800:
        assert counts(loaded) == {"exact_duplicate": 12}
        assert snapshot.lacking == {"annual_income": 30, "spending_score": 60}


@pytest.mark.parametrize(("scale", "silhouette"), [(False, 0.5539), (True, 0.5547)])
def test_the_mall_s_published_segments_are_found(real_data: Path, scale: bool, silhouette: float) -> None:
    chosen = configuration.load("mall", assignments=[*QUICK, f"preprocessing.scale={json.dumps(scale)}"])
    result = job.make("mall", str(real_data / "mall"), chosen, Settings(), created=MADE)
    assert round(result.made.card.metrics.silhouette, 4) == silhouette
    assert [segment.customers for segment in result.made.card.segments] == [81, 39, 35, 23, 22]
    if not scale:
        ward = AgglomerativeClustering(5).fit_predict(result.snapshot.customers)
        assert round(float(silhouette_score(result.snapshot.customers, ward)), 4) == 0.5530


@pytest.mark.parametrize(
    ("source", "data", "customers"),
    [("rees46", "rees46", 4_504), ("mall", "mall", 200),
     ("mall", "mall/Mall_Customers_800rows_dirty_variant.csv", 800), ("olist", "olist", 96_096)],
)  # fmt: skip
def test_check_run_explore_and_assign_work_on_every_folder(
    real_data: Path, tmp_path: Path, source: str, data: str, customers: int
) -> None:
    common = ["--source", source, "--data", str(real_data / data)]
    registry = ["--registry", str(tmp_path / "registry")]
    out = tmp_path / "segments.csv"
    # With the means for what is missing, five segments of this list are no more than even customers would give.
    anyhow = ["--set", "gate.structure=null"] if "dirty" in data else []
    for arguments in (
        ["check", *common], ["run", *common, *registry, *anyhow],
        ["explore", *common, "--out", str(tmp_path / "explore")],
        ["assign", *common, *registry, "--out", str(out)],
    ):  # fmt: skip
        done = commands.run("training", *arguments, timeout=600)
        assert (done.returncode, done.stderr) == (0, "")
    table = pd.read_csv(out, dtype={"customer_id": str})
    assert len(table) == customers
    assert table["customer_id"].is_unique
    assert table["segment_name"].notna().all()
    assert "</html>" in (tmp_path / "explore" / "explore.html").read_text(encoding="utf-8")
