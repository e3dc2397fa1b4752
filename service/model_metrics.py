"""Which models the workers serve and how their looks for newer ones go, as Prometheus metrics, whoever is scraped."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from service.worker_status import REASONS, WorkerStatus

NO_MODEL = "none"


class ModelCollector(Collector):
    """The state of the living workers.

    Parameters
    ----------
    workers
        How each is, the scraped one among them.
    """

    def __init__(self, workers: Sequence[WorkerStatus]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """The metrics.

        Yields
        ------
        Metric
            Gauges; where workers differ, that of the one that is worst off.
        """
        serving = [worker for worker in self._workers if worker.version]
        yield _gauge(
            "segmentation_model_ready", "Whether every worker has a model.", float(len(serving) == len(self._workers))
        )
        workers = GaugeMetricFamily("segmentation_workers", "Living workers by the model.", labels=["model_version"])
        for version, number in sorted(Counter(worker.version or NO_MODEL for worker in self._workers).items()):
            workers.add_metric([version], number)
        yield workers
        yield _gauge(
            "segmentation_reload_last_success_timestamp_seconds",
            "When the worker that lags most last found that it serves what the registry says; 0: never.",
            min((worker.last_success for worker in self._workers), default=0.0),
        )
        yield _gauge(
            "segmentation_reload_last_failure_timestamp_seconds",
            "When a living worker's look for a model last failed; 0: never.",
            max((worker.last_failure for worker in self._workers), default=0.0),
        )
        failing = GaugeMetricFamily(
            "segmentation_reload_failing_workers", "Living workers whose latest look failed.", labels=["reason"]
        )
        number_failing = Counter(worker.failing for worker in self._workers)
        for reason in REASONS:
            failing.add_metric([reason], number_failing[reason])
        yield failing
        if serving:
            yield from _models(serving)


def age_seconds(created: float) -> float:
    """The age of a model.

    Parameters
    ----------
    created
        When it was made, seconds since 1970.

    Returns
    -------
    float
        0 for a model of the future: then this machine's clock or the job's is wrong.
    """
    return max(0.0, time.time() - created)


def _models(serving: Sequence[WorkerStatus]) -> Iterator[Metric]:
    created = {worker.version: worker.created for worker in serving}
    info = InfoMetricFamily("segmentation_model", "Models served.")
    moments = GaugeMetricFamily(
        "segmentation_model_created_timestamp_seconds", "When a served model was made.", labels=["version"]
    )
    for version, moment in sorted(created.items()):
        info.add_metric([], {"version": version})
        moments.add_metric([version], moment)
    yield info
    yield moments
    yield _gauge(
        "segmentation_model_age_seconds", "Age of the oldest model served.", age_seconds(min(created.values()))
    )
    yield _gauge(
        "segmentation_move_sequence",
        "Sequence number of the alias's move that every worker has reached.",
        min(worker.move for worker in serving),
    )


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)
