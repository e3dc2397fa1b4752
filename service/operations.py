"""What platform engineers ask: is it alive, is it ready, what does it serve, what does it count."""

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from segmentation.errors import NotReadyError
from service.live_model import LiveModel, Serving
from service.metrics import registry
from service.replies import reply
from service.state import state

operations = Blueprint("operations", __name__)


@operations.get("/healthz")
def get_healthz() -> Response:
    """200 as long as the process answers."""
    return reply({"status": "alive"})


@operations.get("/readyz")
def get_readyz() -> Response:
    """200 with a model, 503 with the reason without."""
    live = state().live_model
    try:
        serving = live.current()
    except NotReadyError as error:
        # Its callers are whoever runs the service; others need not know where the models are kept.
        raise NotReadyError(f"{error.message}: {live.failure}", hint="the service keeps looking for one") from error
    ready = {"status": "ready", "model_version": serving.model.version}
    return reply(ready | ({"refresh_failure": live.failure} if live.failure else {}))


@operations.get("/model")
def get_model() -> Response:
    """The live model: version, age, metrics, feature schema."""
    serving = state().live_model.current()
    card = serving.model.card
    return reply(
        {
            "model_version": card.version,
            "created_at": card.created_at,
            "as_of": card.as_of,
            "age_seconds": _age(serving),
            "loaded_at": serving.loaded_at,
            "source": card.source,
            "table": card.table,
            "counts": card.counts,
            "metrics": card.metrics,
            "k": card.k,
            "rule_segments": card.rule_segments,
            "features": card.features,
            "left_out": card.left_out,
            "imported": card.imported,
        }
    )


@operations.get("/metrics")
def get_metrics() -> Response:
    """Prometheus metrics, summed over this service's workers."""
    content = generate_latest(registry(state().counters, _ModelCollector(state().live_model)))
    return Response(content, content_type=CONTENT_TYPE_LATEST)


class _ModelCollector(Collector):
    """Which model this worker serves."""

    def __init__(self, live_model: LiveModel) -> None:
        self._live_model = live_model

    def collect(self) -> Iterator[Metric]:
        try:
            serving = self._live_model.current()
        except NotReadyError:
            yield GaugeMetricFamily("segmentation_model_ready", "Whether a model is loaded.", value=0)
            return
        yield GaugeMetricFamily("segmentation_model_ready", "Whether a model is loaded.", value=1)
        yield GaugeMetricFamily("segmentation_model_age_seconds", "Age of the model.", value=_age(serving))
        yield InfoMetricFamily("segmentation_model", "The model served.", value={"version": serving.model.version})


def _age(serving: Serving) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(serving.model.card.created_at)).total_seconds()
