"""Counters in shared memory: each worker adds to an array of its own, a scrape sums the arrays of all workers."""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import product

import msgspec
import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from service.shared_memory import SharedMemory
from service.worker_status import REASONS, WorkerStatus

STATUSES = ("200", "304", "400", "401", "403", "404", "405", "408", "413", "415", "422", "500", "503", "other")
UNKNOWN = "unknown"
KINDS = ("features", "orders", "events")
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counters:
    """The counters and the status of one worker, the sum over all workers, and how the living ones are.

    Parameters
    ----------
    routes
        Names of the routes served; every worker must give the same. UNKNOWN is added for all others.
    folder
        Where the workers' arrays are; empty: this process alone counts.
    """

    def __init__(self, routes: Sequence[str], folder: str) -> None:
        self._served = frozenset(routes)
        self._routes = tuple(sorted({*routes, UNKNOWN}))
        places: list[tuple[str, ...]] = [("request", *labels) for labels in product(self._routes, STATUSES)]
        places += [("bucket", *labels) for labels in product(self._routes, map(str, range(len(BUCKETS) + 1)))]
        places += [("seconds", route) for route in self._routes]
        places += [("customers", kind) for kind in KINDS]
        places += [("reloads",), *(("reload_failure", reason) for reason in REASONS)]
        self._place = {labels: position for position, labels in enumerate(places)}
        self._answered = {
            (route, int(label)): self._place["request", route, label]
            for route in self._routes
            for label in STATUSES
            if label != "other"
        }
        self._customers = {kind: self._place["customers", kind] for kind in KINDS}
        self._first_bucket = {route: self._place["bucket", route, "0"] for route in self._routes}
        self._seconds = {route: self._place["seconds", route] for route in self._routes}
        # Threads of one worker share its array, and += on it is not atomic.
        self._lock = threading.Lock()
        self._memory = SharedMemory(len(places), folder)
        self._own = self._memory.counts

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Parameters
        ----------
        route
            One of the routes.
        status
            Of the answer.
        seconds
            It took.
        """
        answered = self._answered.get((route, status))
        if answered is None:
            answered = self._place["request", route, "other"]
        bucket = self._first_bucket[route] + bisect_left(BUCKETS, seconds)
        with self._lock:
            self._own[answered] += 1
            self._own[bucket] += 1
            self._own[self._seconds[route]] += seconds

    def customers(self, kind: str, number: int) -> None:
        """Count predicted customers.

        Parameters
        ----------
        kind
            "features", "orders" or "events".
        number
            How many.
        """
        with self._lock:
            self._own[self._customers[kind]] += number

    def reloaded(self) -> None:
        """Count a model that is served from now on."""
        with self._lock:
            self._own[self._place["reloads",]] += 1

    def reload_failed(self, reason: str) -> None:
        """Count a look for a model that failed.

        Parameters
        ----------
        reason
            One of `service.worker_status.REASONS`.
        """
        with self._lock:
            self._own[self._place["reload_failure", reason]] += 1

    def tell(self, status: WorkerStatus) -> None:
        """Say how this worker is, for whoever scrapes any of them.

        Parameters
        ----------
        status
            In place of what it told before.
        """
        with self._lock:
            self._memory.tell(msgspec.json.encode(status))

    def workers(self) -> list[WorkerStatus]:
        """How the living workers are.

        Returns
        -------
        list of WorkerStatus
            One of each, in no order.
        """
        return [msgspec.json.decode(told, type=WorkerStatus) for told in self._memory.told()]

    def collect(self) -> Iterator[Metric]:
        """The sums over all workers, as Prometheus metrics.

        Yields
        ------
        Metric
            Requests by route and status, their duration, customers predicted, models taken, looks that failed.
        """
        totals = self._memory.totals().tolist()
        requests = CounterMetricFamily("segmentation_requests", "Requests answered.", labels=["route", "status"])
        duration = HistogramMetricFamily(
            "segmentation_request_duration_seconds", "Time to answer, in the service.", labels=["route"]
        )
        for route in self._routes:
            for status in STATUSES:
                count = totals[self._place["request", route, status]]
                if count or (status == "200" and route in self._served):
                    requests.add_metric([route, status], count)
            counts = [totals[self._place["bucket", route, str(number)]] for number in range(len(BUCKETS) + 1)]
            limits = [*map(str, BUCKETS), "+Inf"]
            buckets = list(zip(limits, np.cumsum(counts).tolist(), strict=True))
            duration.add_metric([route], buckets, totals[self._place["seconds", route]])
        yield requests
        yield duration
        customers = CounterMetricFamily("segmentation_customers_predicted", "Customers predicted.", labels=["input"])
        for kind in KINDS:
            customers.add_metric([kind], totals[self._place["customers", kind]])
        yield customers
        yield CounterMetricFamily(
            "segmentation_reloads", "Models taken into use, the first of each worker included.",
            value=totals[self._place["reloads",]],
        )  # fmt: skip
        failures = CounterMetricFamily(
            "segmentation_reload_failures", "Looks for a model that failed.", labels=["reason"]
        )
        for reason in REASONS:
            failures.add_metric([reason], totals[self._place["reload_failure", reason]])
        yield failures


def registry(*collectors: Collector) -> CollectorRegistry:
    """A registry of our metrics alone.

    Parameters
    ----------
    collectors
        What to expose.

    Returns
    -------
    CollectorRegistry
        For `prometheus_client.generate_latest`.
    """
    made = CollectorRegistry(auto_describe=False)
    for collector in collectors:
        made.register(collector)
    return made
