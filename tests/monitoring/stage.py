"""Two instances of two workers each, a real Prometheus that scrapes them, and customers who are asked for."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

import pandas as pd

from monitoring import files
from segmentation.drift import psi, threshold
from segmentation.registry import open_registry
from tests.conftest import put_live
from tests.monitoring.replay import Counted, History, bodies
from tests.servers import prometheus
from tests.servers.prometheus import until
from tests.servers.service import Service, free_port, running_at

BASELINE = 500
SETTLE = 3.0

Values = dict[str, float]
"""By statistic."""


def instance_of(customer: str) -> int:
    return crc32(customer.encode()) % 2


class Stage:
    """The servers; customers are asked for at one and the same instance each, as by a balancer that goes by the id."""

    def __init__(self, told: History, folder: Path, stack: ExitStack) -> None:
        registry = open_registry(str(folder / "registry"))
        put_live(registry, told.made, "replay")
        self._registry, self._folder = registry.url, folder
        self._ports = [free_port(), free_port()]
        self._stacks = [stack.enter_context(ExitStack()) for _ in self._ports]
        self.told, self.counted = told, Counted(told.model)
        self.sent = [0, 0]
        self.services: list[Service] = []
        for number in range(2):
            self.services.append(self._start(number))
        self.ready_at_once = self.services[1].get("/readyz").status == 200
        rules = files.plain(files.rules(interval="1s", hold="1s"))
        self.prometheus = stack.enter_context(prometheus.running(folder / "prometheus", self.instances, rules))
        until(lambda: {service.get("/readyz").status for service in self.services} == {200}, "both are ready")
        until(lambda: self.prometheus.value("count(segmentation_model_ready)") == 2, "both are scraped")

    @property
    def instances(self) -> list[str]:
        return [f"127.0.0.1:{port}" for port in self._ports]

    def ask(self, customers: pd.DataFrame, singles: int = 40) -> None:
        """At the instance that each belongs to: some one by one, the others together."""
        fresh = customers[~customers.index.isin(self.counted.seen)]
        self.counted.add(customers)
        for number in range(2):
            self.sent[number] += sum(instance_of(customer) == number for customer in fresh.index)
            own = customers[[instance_of(customer) == number for customer in customers.index]]
            for body in bodies(own, singles):
                assert self.services[number].post("/predict", body).status == 200

    def scraped(self, number: int) -> float | None:
        """Customers that Prometheus has of an instance."""
        return self.prometheus.value(f'segmentation_drift_customers_total{{instance="{self.instances[number]}"}}')

    def wait_for_scrape(self) -> None:
        until(lambda: [self.scraped(0), self.scraped(1)] == self.sent, f"{self.sent} customers are scraped")

    def kill_a_worker(self) -> None:
        service = self.services[0]
        killed = service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(service.workers()) == 2 and killed not in service.workers(), "another worker")

    def restart_the_second(self) -> str:
        """What the one that stopped logged."""
        stopped = self.services[1]
        self._stacks[1].pop_all().close()
        self.services[1] = self._start(1)
        self.sent[1] = 0
        return stopped.log.read_text()

    def psis(self, window: str) -> Values:
        """From the recording rule, against the training customers."""
        found = self.prometheus.query(f'segmentation:drift:psi{{window="{window}", against="training"}}')
        return {dict(labels)["statistic"]: value for labels, value in found.items()}

    def offline(self) -> tuple[Values, Values]:
        """PSI of all customers who were asked for, and its threshold."""
        counts, monitors = self.counted.counts(), self.told.made.card.drift.monitors
        values = {monitor.name: psi(monitor.counts, counts[monitor.name]) for monitor in monitors}
        limits = {
            monitor.name: threshold(monitor, "alert", max(1, int(counts[monitor.name].sum())), monitor.total)
            for monitor in monitors
        }
        return values, limits

    def _start(self, number: int) -> Service:
        log = self._folder / f"service-{number}-{len(list(self._folder.glob('service-*')))}.log"
        started = running_at(
            self._ports[number], self._registry, log, BASELINE_CUSTOMERS=str(BASELINE), SETTLE_SECONDS=str(SETTLE)
        )
        return self._stacks[number].enter_context(started)
