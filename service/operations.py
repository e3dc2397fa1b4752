"""What platform engineers ask: is it alive, is it ready, what does it serve, what does it count."""

from datetime import datetime

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.errors import NotReadyError
from service.metrics import registry
from service.model_metrics import ModelCollector, age_seconds
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
    failed = live.failed
    try:
        serving = live.current()
    except NotReadyError as error:
        # Its callers are whoever runs the service; others need not know where the models are kept.
        why = f": {failed.message} ({failed.code})" if failed else ""
        raise NotReadyError(f"{error.message}{why}", hint="the service keeps looking for one") from error
    unsettled = live.unsettled
    if unsettled:
        raise NotReadyError(
            "the counts of this instance may not have been scraped yet",
            hint=f"{unsettled:.0f} seconds of SEGMENTATION_SETTLE_SECONDS are left; it answers predictions",
        )
    ready: dict[str, object] = {"status": "ready", "model_version": serving.model.version}
    if failed:
        ready |= {
            "refresh_failure": failed.message,
            "refresh_failure_code": failed.code,
            "refresh_failing_since": failed.since,
        }
    keys = state().access.failure
    return reply(ready | ({"api_keys_failure": keys} if keys else {}))


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
            "age_seconds": age_seconds(datetime.fromisoformat(card.created_at).timestamp()),
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
    """Prometheus metrics of all of this service's workers."""
    counters = state().counters
    content = generate_latest(registry(counters, ModelCollector(counters.workers()), state().watch.collector()))
    return Response(content, content_type=CONTENT_TYPE_LATEST)
