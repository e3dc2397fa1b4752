"""Answers in JSON, and how routes are called in them."""

import re
from typing import Any

import msgspec
from flask import Response
from werkzeug.routing import Rule

REQUEST_ID = "segmentation.request_id"
"""Where a WSGI environment holds the id of its request."""

_ENCODER = msgspec.json.Encoder()


def reply(content: Any, status: int = 200) -> Response:
    """An answer in JSON.

    Parameters
    ----------
    content
        Anything msgspec can encode: structs, dataclasses, plain types.
    status
        HTTP status.

    Returns
    -------
    Response
        application/json.
    """
    # As a line of its own: to add its end afterwards would copy an answer of megabytes. And in a list: of a tuple
    # msgspec 0.22 never releases the iterator.
    return Response(_ENCODER.encode_lines([content]), status=status, content_type="application/json")


def route_name(rule: Rule) -> str:
    """A route as its users write it.

    Parameters
    ----------
    rule
        Of the application's map.

    Returns
    -------
    str
        /segments/<id>, not /segments/<int:segment_id>.
    """
    return re.sub(r"<\w+:\w+>", "<id>", rule.rule)
