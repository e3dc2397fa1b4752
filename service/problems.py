"""Every failure as application/problem+json (RFC 9457): what was wrong, where in the body, what to do; no values."""

import logging
import secrets
from http import HTTPStatus

import msgspec
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, NotFound, RequestEntityTooLarge

from segmentation.errors import RequestError, SegmentationError
from service.errors import BodyTooLargeError
from service.replies import REQUEST_ID, route_name

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

NOT_KEPT = ("Cache-Control", "no-store")
NOTHING_LOADED = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
"""Of whatever does not bring its own: were it shown as a page, it could do nothing."""
NOT_GUESSED = ("X-Content-Type-Options", "nosniff")

REASONS = {status.value: status.phrase for status in HTTPStatus}


class FieldError(msgspec.Struct, omit_defaults=True):
    """One place of the body and what is wrong there; `pointer` is a JSON pointer (RFC 6901)."""

    detail: str
    pointer: str
    hint: str = ""


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of an error answer; `code` is stable, `detail` is for people, `request_id` is that of the log."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str = ""
    errors: list[FieldError] = []
    request_id: str = ""


DEFECT = Problem(
    type="urn:segmentation:problem:defect",
    title="A defect of the service",
    status=500,
    code="defect",
    detail="the service failed to answer this request",
    hint="the service's log says where",
)


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
    problem.request_id = request.environ.get(REQUEST_ID, "")
    return Response(encode(problem), status=problem.status, content_type=CONTENT_TYPE, headers=headers)


def encode(problem: Problem) -> bytes:
    """The problem as JSON.

    Parameters
    ----------
    problem
        What to say.

    Returns
    -------
    bytes
        One line.
    """
    return msgspec.json.encode(problem) + b"\n"


def with_id(problem: Problem) -> Problem:
    """The problem of a request that never had an id, with one.

    Parameters
    ----------
    problem
        What to say.

    Returns
    -------
    Problem
        A copy.
    """
    return msgspec.structs.replace(problem, request_id=secrets.token_hex(16))


def raw(problem: Problem) -> bytes:
    """The problem as an HTTP answer for a connection that is then closed.

    Parameters
    ----------
    problem
        What to say, with an id.

    Returns
    -------
    bytes
        Head and body.
    """
    body = encode(problem)
    head = (
        f"HTTP/1.1 {problem.status} {REASONS[problem.status]}\r\nConnection: close\r\nContent-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-Id: {problem.request_id}\r\n"
    )
    head += "".join(f"{name}: {value}\r\n" for name, value in (NOT_GUESSED, NOT_KEPT, NOTHING_LOADED)) + "\r\n"
    return head.encode("ascii") + body


def place(error: BaseException) -> str:
    """Where an error was raised; its message, or a dump of local values, might hold a customer's data.

    Parameters
    ----------
    error
        That was caught.

    Returns
    -------
    str
        File and line.
    """
    found = error.__traceback__
    while found is not None and found.tb_next is not None:
        found = found.tb_next
    return f"{found.tb_frame.f_code.co_filename}:{found.tb_lineno}" if found is not None else "an unknown place"


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


def log_defect(error: Exception, request_id: str) -> None:
    """Log a defect: its type and place.

    Parameters
    ----------
    error
        What nobody expected.
    request_id
        Of the request it met.
    """
    logger.error("defect: %s at %s", type(error).__name__, place(error), extra={"request_id": request_id})


def _defect(error: Exception) -> Response:
    log_defect(error, request.environ.get(REQUEST_ID, ""))
    return answer(msgspec.structs.replace(DEFECT))
