"""POST /predict: customers to segments."""

import re

import msgspec
import numpy as np
from flask import Blueprint, Response, current_app, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from segmentation import assignment
from segmentation.errors import BodyTooLargeError, MalformedBodyError, MediaTypeError
from segmentation.histories import Moment
from segmentation.model import Model
from segmentation.rules import NO_RULE
from segmentation.segment import Segment
from service.decoding import Batch
from service.explain import Explanation, asked, explain
from service.replies import reply
from service.state import state

predict = Blueprint("predict", __name__)

_JSON = re.compile(r"application/(?:[\w.-]+\+)?json")


class SegmentName(msgspec.Struct, frozen=True):
    """How a segment is called."""

    id: int
    name: str


class Prediction(msgspec.Struct):
    """What the model says of one customer.

    A customer whom a rule segment takes is compared with no centre: confidence, distance and runner_up are null.

    Parameters
    ----------
    customer_id
        As sent; null where none was.
    segment
        The nearest segment, or that of the first rule that takes the customer.
    runner_up
        The second nearest segment.
    confidence
        1 - nearest / second nearest distance: 0 on the border between the two, 1 at the centre. Not a probability.
    distance
        To the segment's centre, in the model's scaled space.
    outlier
        Whether the customer is farther out than the third quartile plus three interquartile ranges of the segment's
        training customers.
    as_of
        The moment the customer was looked at from; for those sent with orders or events.
    explanation
        Where the request asked for it.
    """

    customer_id: str | int | None
    segment: SegmentName
    confidence: float | None
    distance: float | None
    outlier: bool
    runner_up: SegmentName | None
    as_of: Moment | msgspec.UnsetType = msgspec.UNSET
    explanation: Explanation | msgspec.UnsetType = msgspec.UNSET


class Predictions(msgspec.Struct):
    """The answer, in input order."""

    model_version: str
    predictions: list[Prediction]


@predict.post("/predict")
def post_predict() -> Response:
    """Segments of the customers in the body."""
    serving = state().live_model.current()
    explained = asked()
    batch = serving.decoder.decode(read_body())
    raw = sum(moment is not None for moment in batch.as_of)
    if raw:
        state().counters.customers(serving.model.card.table, raw)
    state().counters.customers("features", len(batch.as_of) - raw)
    predictions = assign(serving.model, batch)
    if explained:
        for prediction, why in zip(predictions, explain(serving.model, batch.features), strict=True):
            prediction.explanation = why
    return reply(Predictions(model_version=serving.model.version, predictions=predictions))


def read_body() -> bytes:
    """The body of the request, whole and declared as JSON.

    Returns
    -------
    bytes
        As sent.

    Raises
    ------
    MediaTypeError
        It is declared as something else, or compressed.
    MalformedBodyError
        It ended before its end.
    BodyTooLargeError
        It is longer than MAX_CONTENT_LENGTH.
    """
    if not _JSON.fullmatch(request.mimetype):
        raise MediaTypeError("the body is not declared as JSON", hint="send Content-Type: application/json")
    if (request.content_encoding or "identity").lower() != "identity":
        raise MediaTypeError("the body is encoded", hint="send it without Content-Encoding")
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    # A chunked body is cut at the limit without a word: one byte more tells.
    request.max_content_length = limit + 1
    try:
        body = request.get_data(cache=False)
    except (OSError, ParseException, ClientDisconnected) as error:
        # gunicorn's words for a body that breaks off or is badly chunked; that is the client's doing.
        raise MalformedBodyError("the body ended before it was complete", hint="send it again") from error
    if len(body) > limit:
        raise BodyTooLargeError("the body is larger than the limit", hint="split the request")
    if request.content_length is not None and len(body) < request.content_length:
        raise MalformedBodyError("the body is shorter than its Content-Length", hint="send it again")
    return body


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
    card = model.card
    answer = assignment.assign(card, model.arrays, batch.features)
    names = [SegmentName(segment.id, segment.name) for segment in card.all_segments]
    fences = np.array(
        [segment.outlier_distance if isinstance(segment, Segment) else np.inf for segment in card.all_segments]
    )
    margin, distance = answer.margin.tolist(), answer.distance.tolist()
    runner_up: list[SegmentName | None] = [names[position] for position in answer.runner_up.tolist()]
    for row in np.flatnonzero(answer.runner_up == NO_RULE).tolist():
        margin[row] = distance[row] = runner_up[row] = None
    columns = (
        batch.customer_ids,
        [names[position] for position in answer.segment.tolist()],
        margin,
        distance,
        # NaN, of whom a rule took, is beyond nothing.
        (answer.distance > fences[answer.segment]).tolist(),
        runner_up,
    )
    as_of = (msgspec.UNSET if moment is None else moment for moment in batch.as_of)
    return list(map(Prediction, *columns, as_of))
