"""Counts of several real workers: whoever counts, a customer counts once, and a dead worker's counts stay."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from segmentation.registry import open_registry
from tests.conftest import put_live
from tests.reliability.scrapes import until
from tests.servers.service import Service, running
from training.job import Result

Json = dict[str, Any]
CUSTOMERS = 30


@pytest.fixture(scope="module")
def serving(
    tmp_path_factory: pytest.TempPathFactory, sample_result: Result
) -> Iterator[tuple[Service, ExitStack, Json]]:
    folder = tmp_path_factory.mktemp("workers")
    registry = open_registry(str(folder / "registry"))
    put_live(registry, sample_result.made, "test")
    row = {str(name): float(value) for name, value in sample_result.snapshot.customers.median().items()}
    with ExitStack() as stack:
        service = stack.enter_context(running(registry.url, folder / "log"))
        until(lambda: service.get("/readyz").status == 200, "ready")
        yield service, stack, row


def counted(service: Service) -> Json:
    found: Json = service.get("/drift").json["counted"]
    return found


def own_counts(service: Service) -> list[float]:
    """Requests for predictions are spread: each worker has an array."""
    maps = Path(f"/proc/{service.workers()[0]}/maps").read_text()
    found = re.search(r"(\S+)/[^/\s]+\.counts", maps)
    # One worker may be ready before the other has a model.
    return [] if found is None else [path.stat().st_size for path in Path(found[1]).glob("*.counts")]


def test_workers_count_together_and_the_counts_of_the_dead_stay(serving: tuple[Service, ExitStack, Json]) -> None:
    service, stack, row = serving
    until(lambda: len(own_counts(service)) == 2, "both count")
    for customer in range(CUSTOMERS):
        # A connection each: any of the two workers answers.
        for _ in range(2):
            assert service.post("/predict", {"customer_id": customer, "features": row}).status == 200
    before = counted(service)
    assert (before["n"], before["repeated_calls"]) == (CUSTOMERS, CUSTOMERS)
    killed = service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(service.workers()) == 2 and killed not in service.workers(), "another worker")
    until(lambda: len(own_counts(service)) == 3, "it counts")
    assert counted(service) == before
    service.get("/metrics")
    for customer in range(CUSTOMERS + 7):
        service.post("/predict", {"customer_id": customer, "features": row})
    assert counted(service)["n"] == CUSTOMERS + 7
    stack.close()
    assert "7 customers were counted after the last scrape and are in no metric" in service.log.read_text()
