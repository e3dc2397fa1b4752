"""GET /drift."""

from flask import Blueprint, Response

from service.replies import reply
from service.state import state

drift = Blueprint("drift", __name__)


@drift.get("/drift")
def get_drift() -> Response:
    """Whether customers have changed, as far as this instance counted them."""
    return reply(state().watch.report(state().live_model.current().model.card))
