"""A registry that hangs: held at each of its reads in turn, while requests are answered."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from segmentation.registry.directory import DirectoryStore
from tests.reliability.scrapes import workers
from tests.reliability.stage import Stage, prepare, remade
from tests.reliability.twins import TWIN, contrary
from training.bundle import Bundle


class Gate:
    """Holds whoever comes until it is opened, for one or for all."""

    def __init__(self) -> None:
        self.arrived, self._open, self._all = threading.Event(), threading.Semaphore(0), threading.Event()
        self.keys: list[str] = []

    def wait(self, key: str) -> None:
        if self._all.is_set():
            return
        self.keys.append(key)
        self.arrived.set()
        assert self._open.acquire(timeout=20)

    def let_one_pass(self) -> None:
        self.arrived.clear()
        self._open.release()

    def open(self) -> None:
        self._all.set()
        self._open.release(100)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, made: Bundle) -> Stage:
    return prepare(tmp_path_factory.mktemp("stage"), remade(made, made.card.version, {"report.html": b"<p>A page</p>"}))


@pytest.fixture
def gate(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate, read = Gate(), DirectoryStore.read

    def held(store: DirectoryStore, key: str) -> bytes | None:
        # Services of other tests may still look for models in this process.
        if store.url == stage.registry.url:
            gate.wait(key)
        return read(store, key)

    monkeypatch.setattr(DirectoryStore, "read", held)
    try:
        yield gate
    finally:
        gate.open()


def test_wherever_a_reload_is_held_up_the_old_model_answers_until_the_new_one_is_whole(
    stage: Stage, gate: Gate
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "wait", lambda _key: None)
        stage.publish(contrary(stage.first))
    with ThreadPoolExecutor(1) as pool:
        reload = pool.submit(stage.live.refresh)
        while not reload.done():
            if gate.arrived.wait(0.02):
                stage.serves_only(stage.first)
                assert workers(stage.scrape()) == {stage.first.card.version: 1}
                gate.let_one_pass()
        assert reload.result()
    assert [key.rpartition("/")[2] for key in gate.keys] == [
        "0000000002.json", "0000000003.json", "card.json", "card.sig", "scoring.npz", "features.sql",
    ]  # fmt: skip
    stage.serves_only(contrary(stage.first))
    assert workers(stage.scrape()) == {TWIN: 1}
    gate.open()
    stage.heal()


def test_a_page_that_waits_for_the_registry_leaves_threads_for_predictions(
    stage: Stage, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.published.PATIENCE_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as pool:
        page = pool.submit(lambda: stage.client.application.test_client().get("/report"))
        assert gate.arrived.wait(20)
        again = stage.client.get("/report")
        assert (again.status_code, again.headers["Retry-After"]) == (503, "5")
        assert b"store-unavailable" in again.data
        stage.serves_only(stage.first)
        gate.open()
        assert page.result().data == b"<p>A page</p>"
    assert stage.client.get("/report").data == b"<p>A page</p>"
