"""Every route of the service: what it is for, what it takes and what it answers."""

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

SECURITY_SCHEMES: Json = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, where the service was given any."}
}
"""The one place that says how callers identify themselves."""

SECURITY: list[Json] = [{"key": []}, {}]
"""A key, or none: a service without keys takes requests from its own machine, or from everybody if told so."""

PROBLEMS = {
    400: "The body is not JSON, or broke off.",
    401: "The service asks for an API key, and there was none that it knows.",
    403: "The API key does not allow this, or the service has no keys and is asked from another machine.",
    404: "The live model has no such thing, or was published without it.",
    408: "The body did not arrive in time.",
    413: "The body, the number of customers or the number of rows is over the limit.",
    415: "The body is not declared as JSON, or is compressed.",
    422: "Fields are missing, unknown, of the wrong type or out of range: up to 100 places at once.",
    503: "There is no model yet, or it takes more time or memory than there is; Retry-After says when to come back.",
}

PREDICT, MODEL, RUN = "Predict", "Model", "Operate"
TAGS = {
    PREDICT: "Customers to segments.",
    MODEL: "What the live model is, and what its segments are.",
    RUN: "For those who run the service.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route.

    Parameters
    ----------
    path
        As OpenAPI writes it.
    name
        The operation's id: what a generated client calls it.
    tag, summary, description
        For people.
    answers
        Name of the schema of a JSON answer; empty where the answer is of another media type.
    media
        Media type of the answer.
    problems
        Statuses of problems that it may answer with.
    parameters
        In the path or the query.
    method
        Of HTTP.
    cached
        Whether answers bear an ETag.
    open
        Whether it needs no key ever.
    """

    path: str
    name: str
    tag: str
    summary: str
    description: str = ""
    answers: str = ""
    media: str = "application/json"
    problems: tuple[int, ...] = (401, 403, 503)
    parameters: tuple[Json, ...] = ()
    method: str = "get"
    cached: bool = False
    open: bool = False


_ALGORITHM = {
    "name": "algorithm", "in": "path", "required": True, "description": "As `GET /algorithms` lists it.",
    "schema": {"type": "string", "minLength": 1}, "example": "k-means",
}  # fmt: skip
_ID = {
    "name": "id", "in": "path", "required": True, "description": "Of a segment.",
    "schema": {"type": "integer", "minimum": 0}, "example": 0,
}  # fmt: skip
_EXPLAIN = {
    "name": "explain", "in": "query", "required": False,
    "description": "Say by feature what separates each customer from the runner-up; up to 1,000 customers.",
    "schema": {"type": "boolean", "default": False},
}  # fmt: skip

_MISSING = (401, 403, 404, 503)

OPERATIONS = (
    Operation(
        path="/predict",
        method="post",
        name="predict",
        tag=PREDICT,
        summary="Segments of customers, in the order in which they were sent",
        description=(
            "Send one customer or many, by features or by the raw rows that the model's features are made of, or many "
            "as columns. `as_of` goes with raw rows: the moment from which they are looked at."
        ),
        answers="Predictions",
        problems=(400, 401, 403, 408, 413, 415, 422, 503),
        parameters=(_EXPLAIN,),
    ),
    Operation(path="/segments", name="list_segments", tag=MODEL, summary="What each segment is", answers="SegmentList"),
    Operation(
        path="/segments/{id}",
        name="get_segment",
        tag=MODEL,
        summary="What one segment is",
        answers="OneSegment",
        problems=_MISSING,
        parameters=(_ID,),
    ),
    Operation(
        path="/model",
        name="get_model",
        tag=MODEL,
        summary="Version, age, metrics and features of the live model",
        answers="LiveModelAnswer",
    ),
    Operation(
        path="/drift",
        name="get_drift",
        tag=RUN,
        summary="Whether customers have changed since the model began to serve",
        description=(
            "From the counts of the instance that answers, since it took the model. For all instances, and the last "
            "hour, day or week, ask Prometheus."
        ),
        answers="DriftAnswer",
    ),
    Operation(
        path="/algorithms",
        name="list_algorithms",
        tag=MODEL,
        summary="The clusterers of the field, and which were computed",
        answers="AlgorithmList",
        problems=_MISSING,
        cached=True,
    ),
    Operation(
        path="/{algorithm}/score",
        name="get_score",
        tag=MODEL,
        summary="What an algorithm's division of the customers is worth",
        answers="AlgorithmScore",
        problems=_MISSING,
        parameters=(_ALGORITHM,),
        cached=True,
    ),
    Operation(
        path="/{algorithm}/plot",
        name="get_plot",
        tag=MODEL,
        summary="An algorithm's division in the plane of the first two principal components",
        media="image/png",
        problems=_MISSING,
        parameters=(_ALGORITHM,),
        cached=True,
    ),
    Operation(
        path="/report",
        name="get_report",
        tag=MODEL,
        summary="The page about the model that was published with it",
        media="text/html",
        problems=_MISSING,
        cached=True,
    ),
    Operation(
        path="/healthz",
        name="get_health",
        tag=RUN,
        summary="Whether the process answers",
        answers="Alive",
        problems=(),
        open=True,
    ),
    Operation(
        path="/readyz",
        name="get_readiness",
        tag=RUN,
        summary="Whether there is a model",
        answers="Ready",
        problems=(503,),
        open=True,
    ),
    Operation(
        path="/metrics",
        name="get_metrics",
        tag=RUN,
        summary="Prometheus metrics, summed over the workers",
        media="text/plain",
        problems=(),
        open=True,
    ),
    Operation(
        path="/openapi.json",
        name="get_openapi",
        tag=RUN,
        summary="This description, with the live model's features",
        answers="OpenApi",
        cached=True,
    ),
    Operation(
        path="/docs",
        name="get_docs",
        tag=RUN,
        summary="This description as a page to try it out",
        media="text/html",
        problems=(),
        cached=True,
        open=True,
    ),
)
"""All routes; a test holds them against the application's."""
