"""Answers in JSON."""

from typing import Any

import msgspec
from flask import Response


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
    return Response(msgspec.json.encode(content) + b"\n", status=status, content_type="application/json")
