"""Hot reload over gunicorn: nothing fails, nothing is mixed, every worker follows; what dies is replaced."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from segmentation.registry import Registry
from tests.conftest import put_live
from tests.depth import THOROUGH
from tests.reliability import load
from tests.reliability.load import Load
from tests.reliability.scrapes import all_serve, scrape, until, workers
from tests.reliability.twins import Expected, bodies, contrary, expected
from tests.servers import service
from tests.servers.service import Service
from tests.signing_keys import signed
from training import publish
from training.bundle import Bundle

RELOADS = 8 if THOROUGH else 3
REFRESH_SECONDS = 0.5
LOADING_SECONDS = 2.0
"""For two workers that load at once, on a busy machine."""


@dataclass(frozen=True)
class World:
    """Two workers, a signed registry with two models that disagree, and what must be answered."""

    service: Service
    registry: Registry
    models: tuple[Bundle, Bundle]
    requests: list[dict[str, object]]
    answers: Expected

    def load(self) -> AbstractContextManager[Load]:
        return load.running(self.service.url, self.requests, self.answers)

    def move_to(self, version: str) -> None:
        publish.promote(self.registry, "production", version, "test")

    def live(self) -> str:
        return self.registry.live("production").version

    def other(self) -> str:
        return next(made.card.version for made in self.models if made.card.version != self.live())

    def follows(self, seconds: float = 20.0) -> None:
        until(all_serve(self.service, self.live()), "the live model in every worker", seconds)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, made: Bundle) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    registry, twin, requests = signed(str(folder / "registry"), folder / "keys"), contrary(made), bodies(made.card)
    put_live(registry, twin, "test")
    put_live(registry, made, "test")
    settings = {"PUBLIC_KEY_FILE": str(folder / "keys/signing.pub"), "CACHE_DIR": str(folder / "cache")}
    temporary = folder / "temporary"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        running = service.running(registry.url, folder / "log", 2, REFRESH_SECONDS=str(REFRESH_SECONDS), **settings)
        with running as served:
            world = World(served, registry, (made, twin), requests, expected(requests, made, twin))
            world.follows()
            yield world


def test_a_rollback_under_load_reaches_every_worker_within_a_refresh_period(world: World) -> None:
    """The first test of this module: here, the version before the live one is the one that a rollback goes to."""
    back = world.registry.previous("production")
    assert back == world.other()
    with world.load() as sent:
        world.move_to(back)
        world.follows(REFRESH_SECONDS + LOADING_SECONDS)
        sent.mark()
        until(lambda: sent.answered[back] >= 50, "answers after the rollback")
        assert set(sent.answered) == {back}
    assert (sent.failures, sent.broken) == ([], 0)


def test_reloads_under_load_fail_no_request_and_mix_no_two_models(world: World) -> None:
    with world.load() as sent:
        for _ in range(RELOADS):
            world.move_to(world.other())
            world.follows()
            sent.mark()
            until(lambda: sum(sent.answered.values()) >= 10, "answers")
            # What is asked after every worker said so is answered by that model alone.
            assert set(sent.answered) == {world.live()}
        assert scrape(world.service)["segmentation_move_sequence", ""] == world.registry.sequence("production")
    assert (sent.failures, sent.broken) == ([], 0)
    assert scrape(world.service)["segmentation_reloads_total", ""] >= 2 * RELOADS


def test_the_check_of_answers_finds_a_mixture(world: World) -> None:
    """Otherwise the other tests would show nothing."""
    one, two = (world.answers.answers[made.card.version] for made in world.models)
    version = world.models[0].card.version
    for number in range(len(world.requests)):
        assert world.answers.wrong(number, {"model_version": version, "predictions": one[number]}) == ""
        assert world.answers.wrong(number, {"model_version": version, "predictions": two[number]}) != ""
        half = [one[number][0] | {"distance": two[number][0]["distance"]}, *one[number][1:]]
        assert world.answers.wrong(number, {"model_version": version, "predictions": half}) != ""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_is_ended_under_load_costs_connections_and_no_answer(world: World, how: signal.Signals) -> None:
    world.follows()
    victim = world.service.workers()[0]
    before = answered(world.service)
    with world.load() as sent:
        until(lambda: sent.total > 20, "answers before")
        os.kill(victim, how)
        until(replaced(world.service, victim), "another worker")
        sent.mark()
        until(lambda: sum(sent.answered.values()) > 50, "answers after")
        assert set(sent.answered) == {world.live()}
    assert sent.failures == []
    assert sent.broken <= load.CONNECTIONS
    # An answer is counted before it is sent: what was counted when its worker died, and sent again, counts twice.
    assert 0 <= answered(world.service) - before - sent.total <= sent.broken


def test_a_dead_worker_s_counts_stay_and_its_status_goes(world: World) -> None:
    world.follows()
    victim = world.service.workers()[0]
    counted = answered(world.service)
    os.kill(victim, signal.SIGKILL)
    until(replaced(world.service, victim), "another worker")
    (folder,) = (Path(world.registry.url).parent / "temporary").glob("segmentation-counters-*")
    assert len(list(folder.iterdir())) > 2
    assert workers(scrape(world.service)) == {world.live(): 2}
    assert answered(world.service) == counted


def answered(running: Service) -> float:
    """Requests to /predict that were answered with 200, over all workers, dead or alive."""
    lines = running.get("/metrics").body.decode().splitlines()
    (line,) = (line for line in lines if line.startswith('segmentation_requests_total{route="/predict",status="200"}'))
    return float(line.rsplit(" ", 1)[1])


def replaced(running: Service, victim: int) -> Callable[[], bool]:
    """Whether two workers live, the victim not among them, and both serve."""

    def done() -> bool:
        pids = running.workers()
        return (
            victim not in pids
            and len(pids) == 2
            and sum(workers(scrape(running)).values()) == 2
            and (scrape(running)["segmentation_model_ready", ""] == 1)
        )

    return done
