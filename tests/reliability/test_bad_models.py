"""Models and moves that must not go live: never served, named everywhere, and no obstacle to the next good one."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from segmentation import card as cards
from segmentation import scoring
from segmentation.errors import StoreUnavailableError
from segmentation.model import ARRAYS, Model, assemble
from segmentation.registry import Registry, open_registry
from segmentation.registry.directory import DirectoryStore
from tests.conftest import put_live
from tests.reliability.stage import ALIAS, Stage, assert_refused, prepare, remade, signed_move
from tests.signing_keys import pair
from training.bundle import Bundle

DIGEST, SIGNATURE, INCONSISTENT = "digest-mismatch", "bad-signature", "inconsistent-model"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, made: Bundle) -> Stage:
    return prepare(tmp_path_factory.mktemp("stage"), made)


@pytest.fixture
def version(request: pytest.FixtureRequest) -> str:
    """Another one for each test."""
    return f"20970101T000000Z-{crc32(request.node.name.encode()):08x}"


def refused(stage: Stage, code: str, caplog: pytest.LogCaptureFixture) -> None:
    """The same at every look; nothing of it is served by whoever knows no better; the next good move ends it."""
    before = stage.scrape()
    caplog.clear()
    for _ in range(3):
        assert not stage.live.refresh()
    assert caplog.text.count("no new model") == 1
    assert code in caplog.text
    assert_refused(stage, code, before, looks=3)
    stage.serves_only(stage.first)
    client, _ = stage.restarted()
    for answer in (client.get("/readyz"), client.post("/predict", json=stage.requests[0])):
        assert answer.status_code == 503
    assert f"({code})" in json.loads(client.get("/readyz").data)["detail"]
    stage.heal()
    assert "refresh_failure" not in stage.client.get("/readyz").get_json()
    assert caplog.text.count("works again") == 1
    assert stage.scrape()["segmentation_reload_failing_workers", code] == 0


def test_a_move_to_a_version_that_is_not_there(stage: Stage, version: str, caplog: pytest.LogCaptureFixture) -> None:
    sequence = stage.latest + 1
    stage.move_file(sequence).write_bytes(signed_move(stage.signer, sequence, version, "0" * 64))
    refused(stage, "unknown-version", caplog)


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def reworded(move: bytes) -> bytes:
    assert b'"why":"test"' in move
    return move.replace(b'"why":"test"', b'"why":"tesu"')


@pytest.mark.parametrize("damage", [truncated, flipped])
@pytest.mark.parametrize(
    ("name", "code"),
    [("card.json", SIGNATURE), ("card.sig", SIGNATURE), ("scoring.npz", DIGEST), ("features.sql", DIGEST)],
)
def test_a_file_that_is_cut_off_or_has_one_other_bit(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture, name: str, code: str, damage: Callable[[bytes], bytes]
) -> None:
    stage.publish(remade(stage.first, version))
    path = stage.file(version, name)
    path.write_bytes(damage(path.read_bytes()))
    refused(stage, code, caplog)


@pytest.mark.parametrize(("damage", "code"), [(truncated, INCONSISTENT), (reworded, SIGNATURE)])
def test_a_move_that_is_cut_off_or_has_one_other_bit(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes], code: str
) -> None:
    stage.publish(remade(stage.first, version))
    path = stage.move_file(stage.latest)
    path.write_bytes(damage(path.read_bytes()))
    refused(stage, code, caplog)


def test_a_file_that_is_mended_is_taken_at_the_next_look(stage: Stage, version: str) -> None:
    stage.publish(remade(stage.first, version))
    path = stage.file(version, "scoring.npz")
    content = path.read_bytes()
    path.write_bytes(flipped(content))
    assert not stage.live.refresh()
    path.write_bytes(content)
    assert stage.live.refresh()
    assert stage.live.current().model.version == version
    stage.heal()


def test_a_signature_that_is_none(stage: Stage, version: str, caplog: pytest.LogCaptureFixture) -> None:
    stage.publish(remade(stage.first, version))
    stage.file(version, "card.sig").write_bytes(bytes(64))
    refused(stage, SIGNATURE, caplog)


def test_a_model_and_a_move_by_an_unknown_key(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    stranger, _ = pair(tmp_path / "stranger")
    put_live(open_registry(stage.registry.url, signer=stranger), remade(stage.first, version), "no trusted key")
    refused(stage, SIGNATURE, caplog)


def test_a_model_by_an_unknown_key_with_a_move_by_the_known_one(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    stranger, _ = pair(tmp_path / "stranger")
    made = remade(stage.first, version)
    open_registry(stage.registry.url, signer=stranger).publish(version, made.card_content, made.files)
    sequence = stage.latest + 1
    move = signed_move(stage.signer, sequence, version, cards.digest(made.card_content))
    stage.move_file(sequence).write_bytes(move)
    refused(stage, SIGNATURE, caplog)


def test_an_older_move_that_is_played_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    shutil.copyfile(stage.move_file(1), stage.move_file(stage.latest + 1))
    refused(stage, INCONSISTENT, caplog)


def test_an_older_move_that_is_given_a_new_number(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    sequence = stage.latest + 1
    content = stage.move_file(1).read_bytes().replace(b'"sequence":1,', b'"sequence":%d,' % sequence)
    stage.move_file(sequence).write_bytes(content)
    refused(stage, SIGNATURE, caplog)


def test_a_move_of_another_alias(stage: Stage, version: str, caplog: pytest.LogCaptureFixture) -> None:
    made = remade(stage.first, version)
    stage.registry.publish(version, made.card_content, made.files)
    stage.registry.move("trial", version, at="2026-01-01T00:00:00Z", by="tester", why="a trial")
    shutil.copyfile(stage.move_file(1, "trial"), stage.move_file(stage.latest + 1))
    shutil.rmtree(stage.move_file(1, "trial").parent)
    refused(stage, INCONSISTENT, caplog)


def test_a_card_of_a_newer_schema(stage: Stage, version: str, caplog: pytest.LogCaptureFixture) -> None:
    stage.publish(remade(stage.first, version, schema_version=cards.SCHEMA_VERSION + 1))
    refused(stage, "unknown-card-schema", caplog)


def altered(content: bytes, name: str, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """Arrays as no code of ours would write them."""
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    buffer = io.BytesIO()
    np.savez(buffer, **(arrays | {name: change(arrays[name])}))
    return buffer.getvalue()


def with_nan(array: np.ndarray) -> np.ndarray:
    changed = array.copy()
    changed.flat[0] = np.nan
    return changed


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("centroids", lambda array: array[:, :-1]),
        ("centroids", lambda array: array[:-1]),
        ("offset", lambda array: array[:-1]),
        ("lower", lambda array: array[:-1]),
        ("log_mask", lambda array: array.astype(float)),
        *((name, with_nan) for name in ("centroids", "matrix", "offset", "lower", "upper")),
    ],
)
def test_arrays_that_do_not_agree_or_hold_nan(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    files = {ARRAYS: altered(stage.first.files[ARRAYS], name, change)}
    stage.publish(remade(stage.first, version, files))
    refused(stage, INCONSISTENT, caplog)


def test_a_model_that_is_whole_and_signed_and_wrong(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    arrays = scoring.from_bytes(stage.first.files[ARRAYS])
    files = {ARRAYS: scoring.to_bytes(replace(arrays, centroids=arrays.centroids + 1e-6))}
    stage.publish(remade(stage.first, version, files))
    refused(stage, "golden-mismatch", caplog)


@pytest.mark.parametrize("name", ["as_of", "created_at"])
def test_a_card_whose_moments_have_no_offset(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    stage.publish(remade(stage.first, version, None, **{name: "2026-01-01T00:00:00"}))
    refused(stage, INCONSISTENT, caplog)


def test_moves_that_are_taken_away_while_the_service_runs(
    stage: Stage, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage.heal()
    latest, before = stage.move_file(stage.latest), stage.scrape()
    content = latest.read_bytes()
    latest.unlink()
    for _ in range(3):
        assert not stage.live.refresh()
    assert_refused(stage, "replayed-move", before, looks=3)
    latest.write_bytes(signed_move(stage.signer, stage.latest + 1, version, "0" * 64))
    assert not stage.live.refresh()
    assert "is another than the one that is served" in stage.live.failure
    latest.write_bytes(content)
    assert not stage.live.refresh()
    assert stage.live.failed is None
    assert caplog.text.count("no new model") == 2


def test_a_registry_folder_that_is_gone_is_told_and_found_again(stage: Stage) -> None:
    before, gone = stage.scrape(), stage.folder.with_name("gone")
    stage.folder.rename(gone)
    try:
        for _ in range(2):
            assert not stage.live.refresh()
        assert_refused(stage, "unknown-alias", before, looks=2)
        stage.serves_only(stage.first)
    finally:
        gone.rename(stage.folder)
    assert not stage.live.refresh()
    assert stage.live.failed is None


def test_the_same_bad_bytes_are_asked_to_prove_themselves_once(
    stage: Stage, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def prove(card: bytes, files: dict[str, bytes], *, tried: bool) -> Model:
        asked.append(card)
        return assemble(card, files, tried=tried)

    monkeypatch.setattr("service.proofs.assemble", prove)
    rows = stage.first.card.golden_rows
    stage.publish(remade(stage.first, version, golden_rows=(replace(rows[0], distance=99.0), *rows[1:])))
    for _ in range(3):
        assert not stage.live.refresh()
        assert "golden row 0" in stage.live.failure
    assert len(asked) == 1
    monkeypatch.setattr("service.refusals.AGAIN_SECONDS", 0.0)
    assert not stage.live.refresh()
    assert len(asked) == 2
    stage.heal()


def test_a_defect_of_ours_is_a_reason_as_every_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("words that may be anything")

    before = stage.scrape()
    with monkeypatch.context() as broken:
        broken.setattr(Registry, "next_move", fail)
        for _ in range(3):
            assert not stage.live.refresh()
    assert_refused(stage, "defect", before, looks=3)
    assert caplog.text.count("RuntimeError at ") == 1
    assert "may be anything" not in caplog.text + stage.client.get("/readyz").text
    stage.heal()


def test_reasons_that_take_turns_are_each_said_once(
    stage: Stage, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.heal()
    caplog.clear()
    number = 0

    def flicker(*_: object) -> None:
        nonlocal number
        number += 1
        raise StoreUnavailableError(f"the store answers {('SlowDown', 'InternalError')[number % 2]}")

    with monkeypatch.context() as broken:
        broken.setattr(DirectoryStore, "read", flicker)
        for _ in range(10):
            assert not stage.live.refresh()
    assert caplog.text.count("no new model") == 2
    assert not stage.live.refresh()
    assert caplog.text.count("works again") == 1
    assert stage.registry.live(ALIAS).version == stage.first.card.version
