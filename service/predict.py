"""POST /predict: customers to segments."""

from datetime import datetime

import msgspec
from flask import Blueprint, Response, request

from segmentation.card import Segment
from segmentation.errors import MediaTypeError
from segmentation.model import Model
from segmentation.scoring import score
from service.decoding import Batch
from service.replies import reply
from service.state import state

predict = Blueprint("predict", __name__)


class SegmentName(msgspec.Struct, frozen=True):
    """How a segment is called."""

    id: int
    name: str


class Prediction(msgspec.Struct):
    """What the model says of one customer; `as_of` for customers sent with orders."""

    customer_id: str | int | None
    segment: SegmentName
    confidence: float
    distance: float
    outlier: bool
    runner_up: SegmentName
    as_of: datetime | msgspec.UnsetType = msgspec.UNSET


class Predictions(msgspec.Struct):
    """The answer, in input order."""

    model_version: str
    predictions: list[Prediction]


@predict.post("/predict")
def post_predict() -> Response:
    """Segments of the customers in the body."""
    if not request.mimetype.endswith("json"):
        raise MediaTypeError("the body is not declared as JSON", hint="send Content-Type: application/json")
    serving = state().live_model.current()
    batch = serving.decoder.decode(request.get_data())
    with_orders = sum(moment is not None for moment in batch.as_of)
    state().counters.customers("orders", with_orders)
    state().counters.customers("features", len(batch.as_of) - with_orders)
    return reply(Predictions(model_version=serving.model.version, predictions=assign(serving.model, batch)))


def assign(model: Model, batch: Batch) -> list[Prediction]:
    """The model's answer for each customer.

    Parameters
    ----------
    model
        The model in use.
    batch
        Decoded customers.

    Returns
    -------
    list of Prediction
        In input order.
    """
    scores = score(model.arrays, batch.features)
    segments: tuple[Segment, ...] = model.card.segments
    names = [SegmentName(segment.id, segment.name) for segment in segments]
    fences = [segment.outlier_distance for segment in segments]
    rows = zip(
        batch.customer_ids,
        scores.segment.tolist(),
        scores.margin.tolist(),
        scores.distance.tolist(),
        scores.runner_up.tolist(),
        batch.as_of,
        strict=True,
    )
    return [
        Prediction(
            customer_id=customer,
            segment=names[segment],
            confidence=margin,
            distance=distance,
            outlier=distance > fences[segment],
            runner_up=names[runner_up],
            as_of=msgspec.UNSET if as_of is None else as_of,
        )
        for customer, segment, margin, distance, runner_up, as_of in rows
    ]
