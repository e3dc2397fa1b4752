"""What an unsigned model's SQL may not do to the service that is made to load it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from segmentation import history_engine
from segmentation.model import SQL
from segmentation.registry import Registry
from segmentation.registry.directory import DirectoryStore
from tests.conftest import put_live
from tests.reliability.stage import Stage, assert_refused, prepare, remade
from training.bundle import Bundle

SECRET = "4711-and-nobody-else"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, made: Bundle) -> Stage:
    """Without keys: whoever can write to the registry is believed."""
    folder = tmp_path_factory.mktemp("stage")
    (folder / "secret.csv").write_text(f"a\n{SECRET}\n", encoding="utf-8")
    return prepare(folder, made, public_key_file="")


def hostile(stage: Stage, first_feature: str) -> bytes:
    """The honest features, but for the first."""
    names = stage.first.card.feature_names
    honest = stage.first.files[SQL].decode().strip().rstrip(";")
    rest = ", ".join(f'"{name}"' for name in names[1:])
    return f'SELECT customer_id, {first_feature} AS "{names[0]}", {rest} FROM ({honest})'.encode()


ENDLESS = "(SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) = 0)"
ENDLESS_WITH_ROWS = (
    "(SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(tenure_days + a.range + b.range) = 0)"
)


@pytest.mark.parametrize(
    "feature",
    [
        "(SELECT max(a) FROM read_csv('{folder}/secret.csv'))",
        "(SELECT max(content) FROM read_text('{folder}/secret.csv'))",
        "(SELECT count(*) FROM glob('{folder}/*'))",
        "(SELECT max(a) FROM 's3://models/secret.csv')",
        "(SELECT max(a) FROM read_json('http://127.0.0.1:1/secret'))",
        "ST_Area(ST_Point(1, 2))",
        ENDLESS,
        ENDLESS_WITH_ROWS,
    ],
)
def test_sql_that_reads_reaches_out_or_does_not_end(
    stage: Stage, feature: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(history_engine, "TIME_LIMIT_SECONDS", 0.3)
    before = stage.scrape()
    sql = hostile(stage, feature.replace("{folder}", str(stage.folder.parent)))
    stage.publish(remade(stage.first, "20970101T000000Z-00000001", {SQL: sql}))
    try:
        for _ in range(2):
            assert not stage.live.refresh()
        assert_refused(stage, "inconsistent-model", before, looks=2)
        monkeypatch.undo()
        stage.serves_only(stage.first)
        if feature == ENDLESS:
            assert "does not end within 0.3 s on no rows" in caplog.text
        assert SECRET not in caplog.text + stage.client.get("/readyz").text
    finally:
        shutil.rmtree(stage.folder / "models/20970101T000000Z-00000001")


@pytest.mark.parametrize(
    "sql",
    [
        "INSTALL httpfs",
        "LOAD httpfs",
        "COPY orders TO '{folder}/out.csv'",
        "SET enable_external_access = true",
        "ATTACH '{folder}/out.db'",
        "SELECT 1; LOAD httpfs",
    ],
)
def test_sql_that_is_a_statement_of_another_kind(stage: Stage, sql: str) -> None:
    before = stage.scrape()
    content = sql.replace("{folder}", str(stage.folder.parent)).encode()
    stage.publish(remade(stage.first, "20970101T000000Z-00000002", {SQL: content}))
    try:
        assert not stage.live.refresh()
        assert_refused(stage, "inconsistent-model", before, looks=1)
        assert "features.sql" in stage.live.failure
    finally:
        shutil.rmtree(stage.folder / "models/20970101T000000Z-00000002")
    assert {path.name for path in Path(stage.folder.parent).iterdir()} == {"registry", "keys", "secret.csv"}


def test_an_unsigned_card_of_another_version_than_its_place(stage: Stage) -> None:
    before = stage.scrape()
    made = remade(stage.first, "20970101T000000Z-00000003")
    misplaced = remade(stage.first, "x" * 5000).card_content
    put_live(Registry(DirectoryStore(stage.folder)), replace(made, card_content=misplaced), "test")
    assert not stage.live.refresh()
    assert_refused(stage, "inconsistent-model", before, looks=1)
    assert "another version" in stage.live.failure
