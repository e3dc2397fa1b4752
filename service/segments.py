"""GET /segments and /segments/<id>: what each segment is."""

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from service.replies import reply
from service.state import state

segments = Blueprint("segments", __name__)


@segments.get("/segments")
def get_segments() -> Response:
    """Every segment of the live model."""
    card = state().live_model.current().model.card
    return reply({"model_version": card.version, "segments": card.all_segments})


@segments.get("/segments/<int:segment_id>")
def get_segment(segment_id: int) -> Response:
    """One segment of the live model."""
    card = state().live_model.current().model.card
    found = next((segment for segment in card.all_segments if segment.id == segment_id), None)
    if found is None:
        ids = ", ".join(str(segment.id) for segment in card.all_segments)
        raise NotFound(f"the model has no segment of this id; it has {ids}")
    return reply({"model_version": card.version, "segment": found})
