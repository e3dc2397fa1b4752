"""What the service trusts, and what it does while its registry is gone, hangs, or goes back in time."""

import errno
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from segmentation import card as cards
from segmentation.errors import ConfigurationError, StoreAccessError
from segmentation.registry import Registry, open_registry
from segmentation.registry.directory import DirectoryStore
from segmentation.registry.signatures import load_signer, load_verifier
from segmentation.settings import Settings
from service import live_model
from service.app import create_app
from service.live_model import LiveModel
from service.state import KEY
from tests.conftest import put_live
from tests.servers import s3, service
from tests.signing_keys import signed
from training.bundle import Bundle
from training.job import Result


@dataclass(frozen=True)
class Place:
    """A signed registry with the sample model live, its public key, and a folder for a cache."""

    registry: Registry
    settings: Settings
    first: Bundle

    def start(self, **changes: Any) -> tuple[FlaskClient, LiveModel]:
        app = create_app(replace(self.settings, **changes))
        return app.test_client(), app.extensions[KEY].live_model

    def publish(self, version: str) -> None:
        card = replace(self.first.card, version=version)
        put_live(self.registry, Bundle(card=card, card_content=cards.encode(card), files=self.first.files), "newer")

    def lose(self) -> None:
        Path(self.registry.url).rename(Path(self.registry.url).with_name("gone"))

    @property
    def cache(self) -> Path:
        return Path(self.settings.cache_dir)


@pytest.fixture
def place(tmp_path: Path, sample_result: Result) -> Place:
    registry = signed(str(tmp_path / "registry"), tmp_path / "keys")
    put_live(registry, sample_result.made, "first")
    settings = Settings(
        registry=registry.url, public_key_file=str(tmp_path / "keys/signing.pub"), cache_dir=str(tmp_path / "cache")
    )
    return Place(registry, settings, sample_result.made)


SECOND, THIRD = "20970101T000000Z-00000000", "20980101T000000Z-00000000"


def version(client: FlaskClient) -> str:
    return str(client.get("/model").get_json()["model_version"])


def why_not_ready(client: FlaskClient) -> str:
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    return str(json.loads(answer.data)["detail"])


def test_a_restart_without_the_registry_begins_with_the_cached_model(place: Place, features: dict[str, float]) -> None:
    client, _ = place.start()
    expected = client.post("/predict", json={"features": features}).get_json()
    report = client.get("/report").data
    place.lose()
    client, live = place.start()
    assert client.post("/predict", json={"features": features}).get_json() == expected
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert "no alias 'production'" in ready.get_json()["refresh_failure"]
    assert client.get("/report").data == report
    Path(place.registry.url).with_name("gone").rename(place.registry.url)
    assert not live.refresh()
    assert live.failure == ""
    place.publish(SECOND)
    assert live.refresh()
    assert version(client) == SECOND


def test_a_restart_without_s3_begins_with_the_cached_model(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.running(monkeypatch) as bucket:
        keys = tmp_path / "keys/signing.key", tmp_path / "keys/signing.pub"
        signer, verifier = load_signer(str(keys[0])), load_verifier(str(keys[1]))
        put_live(open_registry(bucket, signer=signer, verifier=verifier), place.first, "first")
        assert place.start(registry=bucket)[0].get("/readyz").status_code == 200
    client, _ = place.start(registry=bucket)
    assert version(client) == place.first.card.version
    assert "does not answer" in client.get("/readyz").get_json()["refresh_failure"]
    assert "does not answer" in why_not_ready(place.start(registry=bucket, cache_dir="")[0])


def test_with_neither_registry_nor_cache_the_service_lives_and_says_why_it_is_not_ready(place: Place) -> None:
    place.lose()
    assert "no alias 'production'" in why_not_ready(place.start()[0])
    assert "no alias 'production'" in why_not_ready(place.start(cache_dir="")[0])


@pytest.mark.parametrize("name", ["card.json", "card.sig", "scoring.npz", "features.sql", "0000000001.json"])
def test_a_damaged_cache_is_not_served(place: Place, name: str) -> None:
    place.start()
    (path,) = place.cache.rglob(name)
    content = path.read_bytes()
    path.write_bytes(content[:20] + bytes([content[20] ^ 1]) + content[21:])
    client, _ = place.start()
    assert version(client) == place.first.card.version
    assert path.read_bytes() == content
    path.write_bytes(content[:-1])
    place.lose()
    why_not_ready(place.start()[0])


def test_moves_that_were_taken_away_are_missed(place: Place) -> None:
    place.publish(SECOND)
    place.start()
    latest = Path(place.registry.url, "aliases/production/0000000002.json")
    content = latest.read_bytes()
    latest.unlink()
    client, live = place.start()
    assert version(client) == SECOND
    for _ in range(2):
        assert not live.refresh()
        assert "the latest move of 'production' is 1, and 2 was seen before" in live.failure
    latest.write_bytes(content)
    assert not live.refresh()
    assert live.failure == ""


def test_without_a_cache_the_registry_is_trusted_for_which_move_is_the_latest(place: Place) -> None:
    """A limit that docs/security.md states."""
    place.publish(SECOND)
    place.start(cache_dir="")
    Path(place.registry.url, "aliases/production/0000000002.json").unlink()
    assert version(place.start(cache_dir="")[0]) == place.first.card.version


def test_a_move_is_remembered_whose_model_will_not_do(place: Place) -> None:
    place.start()
    place.publish(SECOND)
    Path(place.registry.url, f"models/{SECOND}/scoring.npz").write_bytes(b"something else")
    client, live = place.start()
    assert version(client) == place.first.card.version
    assert "scoring.npz" in live.failure
    Path(place.registry.url, "aliases/production/0000000002.json").unlink()
    client, live = place.start()
    assert version(client) == place.first.card.version
    assert "2 was seen before" in live.failure


def test_what_is_unsigned_is_refused_and_does_not_keep_the_next_from_coming(place: Place) -> None:
    client, live = place.start()
    intruder = Registry(DirectoryStore(Path(place.registry.url)))
    intruder.move("production", place.first.card.version, at="2026-01-01T00:00:00Z", by="intruder", why="no key")
    assert not live.refresh()
    assert "0000000002.json is not signed" in live.failure
    assert "0000000002.json is not signed" in why_not_ready(place.start(cache_dir="")[0])
    place.publish(SECOND)
    assert live.refresh()
    assert version(client) == SECOND


def test_only_what_is_served_stays_in_the_cache(place: Place) -> None:
    _, live = place.start()
    for other in (SECOND, THIRD):
        place.publish(other)
        assert live.refresh()
    assert [path.name for path in (place.cache / "models").iterdir()] == [THIRD]
    assert [path.name for path in (place.cache / "aliases/production").iterdir()] == ["0000000003.json"]


def test_aliases_that_share_a_cache_leave_each_other_s_models(place: Place) -> None:
    place.start()
    card = replace(place.first.card, version=SECOND)
    place.registry.publish(SECOND, cards.encode(card), place.first.files)
    place.registry.move("trial", SECOND, at="2026-01-01T00:00:00Z", by="tester", why="a trial")
    place.start(alias="trial")
    place.lose()
    assert version(place.start()[0]) == place.first.card.version
    assert version(place.start(alias="trial")[0]) == SECOND


def full(monkeypatch: pytest.MonkeyPatch, _cache: Path) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", refuse)


def read_only(monkeypatch: pytest.MonkeyPatch, _cache: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)


def in_the_way(_monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    cache.write_text("a file")


def unreadable(monkeypatch: pytest.MonkeyPatch, _cache: Path) -> None:
    def refuse(_store: DirectoryStore, prefix: str) -> list[str]:
        raise StoreAccessError(f"{prefix} may not be listed")

    monkeypatch.setattr(DirectoryStore, "list", refuse)
    monkeypatch.setattr(Registry, "live", lambda registry, alias: registry.next_move(alias, 0))


@pytest.mark.parametrize("fault", [full, read_only, in_the_way, unreadable])
def test_a_cache_that_cannot_be_used_is_a_warning(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    fault: Callable[[pytest.MonkeyPatch, Path], None],
) -> None:  # fmt: skip
    fault(monkeypatch, place.cache)
    client, live = place.start()
    assert client.get("/readyz").get_json() == {"status": "ready", "model_version": place.first.card.version}
    assert live.failure == ""
    assert "nothing is kept for a restart" in caplog.text
    assert not list(place.cache.rglob(".writing-*"))


def test_a_registry_that_hangs_does_not_keep_the_service_from_answering(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.start()
    answer, listed = threading.Event(), DirectoryStore.list

    def hang(store: DirectoryStore, prefix: str) -> list[str]:
        if store.url == place.registry.url:
            answer.wait(20)
        return listed(store, prefix)

    monkeypatch.setattr(live_model, "FIRST_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(DirectoryStore, "list", hang)
    try:
        assert "has not answered yet" in why_not_ready(place.start(cache_dir="")[0])
        client, _ = place.start()
        assert version(client) == place.first.card.version
        assert "has not answered yet" in client.get("/readyz").get_json()["refresh_failure"]
    finally:
        answer.set()


def test_without_a_key_every_model_is_taken_with_a_warning(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    _, live = place.start(public_key_file="")
    place.publish(SECOND)
    assert live.refresh()
    assert caplog.text.count("is taken unsigned") == 2
    place.lose()
    place.start(public_key_file="")
    assert caplog.text.count("is taken unsigned") == 3


@pytest.mark.parametrize(
    ("registry", "required"), [("s3://models/x", None), ("s3://models/x", True), ("models", True)]
)  # fmt: skip
def test_a_registry_that_must_be_signed_needs_a_key(registry: str, required: bool | None) -> None:
    with pytest.raises(ConfigurationError, match="SEGMENTATION_PUBLIC_KEY_FILE is not set"):
        create_app(Settings(registry=registry, require_signature=required))


def test_a_worker_that_dies_during_an_outage_is_replaced_by_one_that_answers(
    place: Place, features: dict[str, float], tmp_path: Path
) -> None:
    settings = {"PUBLIC_KEY_FILE": place.settings.public_key_file, "CACHE_DIR": place.settings.cache_dir}
    with service.running(place.registry.url, tmp_path / "log", workers=1, **settings) as running:
        assert running.get("/readyz").status == 200
        place.lose()
        (victim,) = running.workers()
        os.kill(victim, signal.SIGKILL)
        patience = time.monotonic() + 20
        while running.workers() in ([victim], []) and time.monotonic() < patience:
            time.sleep(0.05)
        assert running.post("/predict", {"features": features}).status == 200
        assert running.get("/readyz").json["refresh_failure"]
