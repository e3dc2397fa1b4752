"""An S3 store that is down, slow, or refuses: the last good model answers, and the reason is told."""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from segmentation.registry import Registry, open_registry
from segmentation.registry.signatures import load_signer
from tests.conftest import put_live
from tests.reliability import load, proxy
from tests.reliability.load import Load
from tests.reliability.proxy import Proxy
from tests.reliability.scrapes import all_serve, scrape, until
from tests.reliability.stage import Stage, assert_refused, prepare
from tests.reliability.twins import TWIN, contrary
from tests.servers import s3, service
from tests.servers.service import Service
from training import publish
from training.bundle import Bundle

DOWN, REFUSED = "store-unavailable", "store-access"
LOOKS = 6
"""That fail before the store comes back; with the default of 30 s between looks these are three minutes."""


@dataclass(frozen=True)
class World:
    """Two workers whose store is behind a proxy, and whoever publishes past the proxy."""

    service: Service
    proxy: Proxy
    publisher: Registry
    stage: Stage
    twin: Bundle

    def move_to(self, made: Bundle) -> None:
        publish.promote(self.publisher, "production", made.card.version, "test")

    def load(self) -> AbstractContextManager[Load]:
        return load.running(self.service.url, self.stage.requests, self.stage.answers)


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def stage(made: Bundle, tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with s3.running(patch) as bucket:
        yield prepare(tmp_path_factory.mktemp("stage"), made, bucket)


@pytest.fixture(scope="module")
def store(stage: Stage) -> Iterator[Proxy]:
    with proxy.running(os.environ["AWS_ENDPOINT_URL"]) as between:
        yield between


@pytest.fixture(scope="module")
def world(stage: Stage, store: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder, keys = tmp_path_factory.mktemp("world"), Path(stage.settings.public_key_file).parent
    publisher = open_registry(stage.registry.url, signer=load_signer(str(keys / "signing.key")))
    twin = contrary(stage.first)
    put_live(publisher, twin, "test")
    publish.promote(publisher, "production", stage.first.card.version, "test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", store.url)
        key = stage.settings.public_key_file
        with service.running(stage.registry.url, folder / "log", PUBLIC_KEY_FILE=key, REFRESH_SECONDS="0.2") as running:
            world = World(running, store, publisher, stage, twin)
            until(all_serve(running, stage.first.card.version), "the first model")
            yield world


def test_a_store_that_is_down_under_load_costs_no_answer_and_no_model(world: World) -> None:
    with world.load() as sent:
        world.proxy.down()
        world.move_to(world.twin)
        failures = ("segmentation_reload_failures_total", DOWN)
        until(lambda: scrape(world.service)[failures] >= 2 * LOOKS, "looks that fail")
        found = scrape(world.service)
        assert found["segmentation_reload_failing_workers", DOWN] == 2
        assert found["segmentation_workers", world.stage.first.card.version] == 2
        told = world.service.get("/readyz").json
        assert told["refresh_failure_code"] == DOWN
        sent.mark()
        until(lambda: sum(sent.answered.values()) > 50, "answers during the outage")
        assert set(sent.answered) == {world.stage.first.card.version}
        world.proxy.up()
        until(all_serve(world.service, TWIN), "the model that was published meanwhile")
        assert scrape(world.service)["segmentation_reload_failing_workers", DOWN] == 0
    assert (sent.failures, sent.broken) == ([], 0)
    log = world.service.log.read_text()
    # Not every 0.2 s: once for each worker and way in which a store can be silent.
    assert 2 <= log.count("no new model") <= 6
    assert log.count("works again") == 2


def test_a_slow_store_makes_no_answer_slow_or_wrong(world: World) -> None:
    """0.25 s for each of five reads instead of 5 s."""
    with world.load() as sent:
        world.proxy.delay = 0.25
        target = world.stage.first if all_serve(world.service, TWIN)() else world.twin
        world.move_to(target)
        before = sent.total
        until(all_serve(world.service, target.card.version), "a model out of a slow store")
        assert sent.total - before > 50
        world.proxy.delay = 0.0
    assert (sent.failures, sent.broken) == ([], 0)
    assert scrape(world.service)["segmentation_reload_failing_workers", DOWN] == 0


def test_a_store_that_is_down_at_start(stage: Stage, store: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
    store.down()
    try:
        client, live = stage.restarted()
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
        assert (answer.status_code, f"({DOWN})" in json.loads(answer.data)["detail"]) == (503, True)
        assert client.post("/predict", json=stage.requests[0]).status_code == 503
    finally:
        store.up()
    assert live.refresh()
    assert client.get("/readyz").get_json() == {"status": "ready", "model_version": live.current().model.version}


def set_unsigned_actions(number: str) -> None:
    """Let moto check access keys after so many requests."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset-auth"
    urlopen(Request(url, number.encode(), {"Content-Type": "text/plain"}, method="POST"), timeout=10).close()


def test_credentials_that_the_store_refuses(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.heal()
    before = stage.scrape()
    set_unsigned_actions("0")
    try:
        for _ in range(2):
            assert not stage.live.refresh()
        assert_refused(stage, REFUSED, before, looks=2)
        assert "the access key is unknown" in stage.live.failure
        stage.serves_only(stage.first)
        answer = stage.restarted()[0].get("/readyz")
        assert (answer.status_code, f"({REFUSED})" in json.loads(answer.data)["detail"]) == (503, True)
    finally:
        set_unsigned_actions("1e12")
    assert not stage.live.refresh()
    assert stage.live.failed is None
    assert caplog.text.count("works again") == 1
    assert "testing" not in caplog.text


def test_a_bucket_that_is_not_there(stage: Stage) -> None:
    client, live = stage.restarted(registry="s3://no-such-bucket/registry")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "there is no such bucket (store-access)" in json.loads(answer.data)["detail"]
    assert client.post("/predict", json=stage.requests[0]).status_code == 503
    assert live.failed is not None
    assert "check the bucket" in live.failed.hint


SKEWED = (
    b'<?xml version="1.0"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time '
    b"and the current time is too large.</Message></Error>"
)


def test_a_clock_that_the_store_does_not_believe(stage: Stage, store: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 refuses requests whose time is more than 15 minutes off."""
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n" % len(SKEWED)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
    store.answer = head + SKEWED
    try:
        answer = stage.restarted()[0].get("/readyz")
    finally:
        store.answer = b""
    assert answer.status_code == 503
    assert "the clock of this machine or of the store is wrong (store-access)" in json.loads(answer.data)["detail"]
