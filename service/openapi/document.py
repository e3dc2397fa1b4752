"""The whole description: routes, the live model's types, and examples with the answers that it gives to them."""

from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import msgspec

from segmentation.card import Card
from segmentation.model import Model
from segmentation.scores import AlgorithmScore
from segmentation.segment import RuleSegment, Segment
from service.decoding import Bodies, Decoder
from service.drift.report import DriftAnswer
from service.openapi.answers import AlgorithmList, Alive, LiveModelAnswer, OneSegment, Ready, SegmentList
from service.openapi.examples import Example, examples
from service.openapi.operations import OPERATIONS, PROBLEMS, SECURITY, SECURITY_SCHEMES, TAGS, Operation
from service.openapi.schemas import describe_properties, reference, schemas
from service.predictions import Predictions, assign
from service.problems import CONTENT_TYPE, Problem

Json = dict[str, Any]

INTERFACE = "1.0.0"
"""Version of the routes; that of the model is in x-model-version."""

_ANSWERS = (
    Predictions, SegmentList, OneSegment, Segment, RuleSegment, LiveModelAnswer, AlgorithmList, AlgorithmScore, Alive,
    Ready, DriftAnswer, Problem,
)  # fmt: skip

_BODY = {
    "customer_id": "Text or an integer; comes back as it was sent.",
    "as_of": "The moment from which raw rows are looked at, 1970 to 2200; without an offset it is UTC. Left out: the "
    "model's own, or a customer's newest row where that is later.",
    "features": "All of the model's features.",
    "orders": "Order lines; lines with one order_id are one order.",
    "events": "Click events.",
    "customers": "Customers, each by features or by raw rows.",
    "columns": "A list of values by feature, all of one length.",
}


@dataclass(frozen=True, slots=True)
class Document:
    """The description of the service with one model.

    Parameters
    ----------
    version
        Of the model.
    content
        JSON.
    etag
        What changes when the content does.
    """

    version: str
    content: bytes
    etag: str


def describe(model: Model, decoder: Decoder) -> Document:
    """Describe the service with a model.

    Parameters
    ----------
    model, decoder
        The live model, and what decodes requests for it.

    Returns
    -------
    Document
        OpenAPI 3.1.
    """
    bodies = decoder.bodies
    shown = examples(model.card)
    answered = {
        example.name: {
            "summary": example.summary,
            "value": Predictions(model.version, assign(model, decoder.decode(msgspec.json.encode(example.body)))),
        }
        for example in shown
    }
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        described = _operation(operation)
        if operation.name == "predict":
            described["requestBody"] = _request(bodies, shown)
            described["responses"]["200"]["content"]["application/json"]["examples"] = answered
        paths.setdefault(operation.path, {})[operation.method] = described
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "Customer segmentation",
            "version": INTERFACE,
            "description": "Which segment is this customer in? "
            f"{len(model.card.all_segments)} segments, from {len(bodies.names)} features.",
            "x-model-version": model.version,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {"schemas": _components(model.card, bodies), "securitySchemes": SECURITY_SCHEMES},
    }
    content = msgspec.json.encode(whole) + b"\n"
    return Document(model.version, content, sha256(content).hexdigest()[:32])


def _operation(operation: Operation) -> Json:
    media = {"schema": reference(operation.answers)} if operation.answers else {"schema": {"type": "string"}}
    if operation.media == "image/png":
        media = {}
    success: Json = {"description": HTTPStatus.OK.phrase, "content": {operation.media: media}}
    responses = {"200": success}
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": [] if operation.open else SECURITY,
        "responses": responses,
    }
    if operation.description:
        described["description"] = operation.description
    if operation.parameters:
        described["parameters"] = list(operation.parameters)
    if operation.cached:
        success["headers"] = {"ETag": {"description": "Changes when the answer does.", "schema": {"type": "string"}}}
        responses["304"] = {"description": "What If-None-Match names is still what it is."}
    for status in operation.problems:
        responses[str(status)] = {
            "description": PROBLEMS[status],
            "content": {CONTENT_TYPE: {"schema": reference(Problem)}},
        }
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            responses["503"]["headers"] = {
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}
            }
    return described


def _request(bodies: Bodies, shown: tuple[Example, ...]) -> Json:
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": [reference(form) for form in bodies.forms]},
                "examples": {example.name: {"summary": example.summary, "value": example.body} for example in shown},
            }
        },
    }


def _components(card: Card, bodies: Bodies) -> dict[str, Json]:
    made = schemas([*_ANSWERS, *bodies.forms, *bodies.listed])
    # In a list, too, a customer is one thing or the other: what the one struct that is decoded cannot say.
    del made[bodies.customer.__name__]
    made["Customers"]["properties"]["customers"]["items"] = {"oneOf": [reference(kind) for kind in bodies.listed]}
    for form in (*bodies.forms, *bodies.listed):
        describe_properties(made[form.__name__], _BODY)
    told = {feature.name: f"{feature.help} ({feature.unit})" for feature in card.features}
    for feature in card.features:
        if feature.fill is not None:
            told[feature.name] += "; null for customers who have none"
    for kind in (bodies.features, bodies.columns):
        describe_properties(made[kind.__name__], told)
    if bodies.row is not None and bodies.table is not None:
        describe_properties(made[bodies.row.__name__], {column.name: column.help for column in bodies.table.columns})
    either = {"anyOf": [reference(Segment), reference(RuleSegment)]}
    made["SegmentList"]["properties"]["segments"]["items"] = either
    made["OneSegment"]["properties"]["segment"] = either
    score = made["AlgorithmScore"]
    score["properties"] = {"model_version": {"type": "string"}, **score["properties"]}
    score["required"] = ["model_version", *score["required"]]
    made["OpenApi"] = {"title": "OpenApi", "description": "An OpenAPI document.", "type": "object"}
    return made
