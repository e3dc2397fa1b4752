"""Whatever the order of rows and columns in the files, and however they are cut and packed, the model is the same."""

import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.settings import Settings
from tests.conftest import MADE
from tests.depth import THOROUGH
from tests.quick import QUICK
from tests.training import retail_export
from tests.training.test_history import clicks, written
from training import configuration, job

FILES = ("model.pkl", "scoring.npz", "features.sql")


def files_of(source: str, data: Path, mapping: Path | None, *assignments: str) -> dict[str, bytes]:
    chosen = configuration.load(source, assignments=[*assignments, *QUICK])
    made = job.make(source, str(data), chosen, Settings(), created=MADE, mapping=mapping).made
    return {name: made.files[name] for name in FILES} | {"card.json": made.card_content}


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path, dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("export")
    mapping = folder / "mapping.yaml"
    mapping.write_text(retail_export.MAPPING, encoding="utf-8")
    path = retail_export.write(folder, 6_000).path
    frame = pd.read_csv(path, dtype=str, encoding="latin-1", keep_default_na=False)
    return frame, mapping, files_of("transactions", path, mapping, "clustering.k=3")


@settings(max_examples=5 if THOROUGH else 2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_rows_and_columns_in_any_order_and_any_number_of_files(
    export: tuple[pd.DataFrame, Path, dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    frame, mapping, expected = export
    shuffle = random.Random(seed)
    columns = shuffle.sample(list(frame.columns), len(frame.columns))
    mixed = frame[columns].sample(frac=1, random_state=seed)
    folder = tmp_path_factory.mktemp("mixed")
    cuts = sorted(shuffle.sample(range(1, len(mixed)), shuffle.randint(0, 3)))
    for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(mixed)], strict=True)):
        mixed.iloc[start:end].to_csv(folder / f"{number}.csv", index=False, encoding="latin-1")
    assert files_of("transactions", folder, mapping, "clustering.k=3") == expected


def test_events_in_any_order_as_csv_or_parquet(tmp_path: Path) -> None:
    path = Path(written(tmp_path, clicks()))
    expected = files_of("rees46", path, None, "clustering.k=2", "minimum_history=3")
    frame = pd.read_csv(path, dtype=str)
    mixed = frame[frame.columns[::-1]].sample(frac=1, random_state=1)
    (tmp_path / "mixed").mkdir()
    mixed.to_csv(tmp_path / "mixed" / "events.csv.gz", index=False)
    assert files_of("rees46", tmp_path / "mixed", None, "clustering.k=2", "minimum_history=3") == expected
    mixed.to_parquet(tmp_path / "events.parquet")
    assert files_of("rees46", tmp_path / "events.parquet", None, "clustering.k=2", "minimum_history=3") == expected
