"""What GET /metrics says, and waiting until it says something."""

import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.servers.service import Service

Samples = dict[tuple[str, str], float]
"""Value by metric and the value of its only label; "" for those without."""


def samples(text: str) -> Samples:
    """All samples with at most one label, but for those of requests."""
    text = "\n".join(line for line in text.splitlines() if "segmentation_request" not in line) + "\n"
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if len(sample.labels) < 2
    }


def scrape(service: Service) -> Samples:
    """One scrape, answered by any worker."""
    return samples(service.get("/metrics").body.decode())


def workers(found: Samples) -> dict[str, float]:
    """Living workers by model version."""
    return {label: value for (name, label), value in found.items() if name == "segmentation_workers"}


def until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Wait for a condition, not forever."""
    patience = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > patience:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


def all_serve(service: Service, version: str, number: int = 2) -> Callable[[], bool]:
    """Whether every worker serves the version."""
    return lambda: workers(scrape(service)) == {version: number}
