"""POST /predict: customers to segments."""

import re

from flask import Blueprint, Response, current_app, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from segmentation import assignment
from service.errors import BodyTooLargeError, MalformedBodyError, MediaTypeError
from service.explain import asked, explain
from service.predictions import Predictions, describe, outliers
from service.replies import reply
from service.state import state

predict = Blueprint("predict", __name__)

_JSON = re.compile(r"application/(?:[\w.-]+\+)?json")


@predict.post("/predict")
def post_predict() -> Response:
    """Segments of the customers in the body."""
    serving = state().live_model.current()
    explained = asked()
    batch = serving.decoder.decode(read_body())
    raw = len(batch.as_of) - batch.as_of.count(None)
    if raw:
        state().counters.customers(serving.model.card.table, raw)
    state().counters.customers("features", len(batch.as_of) - raw)
    model = serving.model
    answer = assignment.assign(model.card, model.arrays, batch.features)
    predictions = describe(model, batch, answer, encoded=True)
    if explained:
        for prediction, why in zip(predictions, explain(model, batch.features), strict=True):
            prediction.explanation = why
    serving.tally.many(batch, answer, outliers(model, answer))
    return reply(Predictions(model_version=model.version, predictions=predictions))


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
    length = None if "HTTP_TRANSFER_ENCODING" in request.environ else request.content_length
    if length is not None and length > limit:
        raise BodyTooLargeError("the body is larger than the limit", hint="split the request")
    # A chunked body is cut at the limit without a word: one byte more tells.
    request.max_content_length = limit + 1
    try:
        # Where it is known how much comes, in one go: Werkzeug gathers pieces, at a third of the cost of decoding.
        body: bytes = request.get_data(cache=False) if length is None else request.environ["wsgi.input"].read(length)
    except (OSError, ParseException, ClientDisconnected) as error:
        # gunicorn's words for a body that breaks off or is badly chunked; that is the client's doing.
        raise MalformedBodyError("the body ended before it was complete", hint="send it again") from error
    if len(body) > limit:
        raise BodyTooLargeError("the body is larger than the limit", hint="split the request")
    if length is not None and len(body) < length:
        raise MalformedBodyError("the body is shorter than its Content-Length", hint="send it again")
    return body
