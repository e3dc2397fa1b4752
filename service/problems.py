"""Every failure as application/problem+json (RFC 9457): what was wrong, where in the body, what to do; no values."""

import logging

import msgspec
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge

from segmentation.errors import BodyTooLargeError, RequestError, SegmentationError
from service.replies import route_name

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class FieldError(msgspec.Struct, omit_defaults=True):
    """One place of the body and what is wrong there; `pointer` is a JSON pointer (RFC 6901)."""

    detail: str
    pointer: str
    hint: str = ""


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of an error answer; `code` is stable, `detail` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str = ""
    errors: list[FieldError] = []


def register(app: Flask) -> None:
    """Answer every failure of the application with a problem.

    Parameters
    ----------
    app
        The application.
    """
    app.register_error_handler(SegmentationError, _expected)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _defect)


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The problem as a response.

    Parameters
    ----------
    problem
        What to say.
    headers
        Further headers.

    Returns
    -------
    Response
        With the problem's status.
    """
    body = msgspec.json.encode(problem) + b"\n"
    return Response(body, status=problem.status, content_type=CONTENT_TYPE, headers=headers)


def of(error: SegmentationError) -> Problem:
    """An error of our tree as a problem.

    Parameters
    ----------
    error
        The error.

    Returns
    -------
    Problem
        Its code, status, message, hint and pointer.
    """
    title = (type(error).__doc__ or "").splitlines()[0]
    faults = error.faults if isinstance(error, RequestError) else ()
    return Problem(
        type=f"urn:segmentation:problem:{error.code}",
        title=title,
        status=error.http_status,
        code=error.code,
        detail=error.message,
        hint=error.hint,
        errors=[FieldError(detail=fault.message, pointer=fault.pointer, hint=fault.hint) for fault in faults],
    )


def _expected(error: SegmentationError) -> Response:
    return answer(of(error), {"Retry-After": "5"} if error.http_status == 503 else None)


def _http(error: HTTPException) -> Response:
    if isinstance(error, NotFound) and request.routing_exception is not None:
        served = sorted({route_name(rule) for rule in current_app.url_map.iter_rules()})
        error = NotFound(f"there is no such route; there are {', '.join(served)}")
    if isinstance(error, RequestEntityTooLarge):
        return _expected(BodyTooLargeError("the body is larger than the limit", hint="split the request"))
    code = (error.name or "error").lower().replace(" ", "-")
    status = error.code or 500
    problem = Problem(
        type=f"urn:segmentation:problem:{code}",
        title=error.name,
        status=status,
        code=code,
        detail=error.description or error.name,
    )
    kept = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    return answer(problem, kept)


def log_defect(error: Exception) -> None:
    """Log a defect: its type and place.

    Parameters
    ----------
    error
        What nobody expected.
    """
    # The type and place only: the message or a dump of local values might hold a customer's data.
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else "an unknown place"
    logger.error("defect: %s at %s", type(error).__name__, where)


def _defect(error: Exception) -> Response:
    log_defect(error)
    return answer(
        Problem(
            type="urn:segmentation:problem:defect",
            title="A defect of the service",
            status=500,
            code="defect",
            detail="the service failed to answer this request",
            hint="the service's log says where",
        )
    )
