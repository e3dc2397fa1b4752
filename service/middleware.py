"""What every request passes before and after Flask: its id, who may ask, how many at once, headers, count, log line.

One WSGI layer and no hooks of Flask's: it is on every request's way, and takes a few microseconds of it.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from itertools import count
from time import perf_counter
from typing import Any

from segmentation.errors import SegmentationError
from service import problems
from service.access import Access
from service.condition import Condition
from service.errors import AccessError, OverloadedError, StoppingError, WrongPortError
from service.logs import AccessLog
from service.metrics import UNKNOWN, Counters
from service.problems import NOT_GUESSED, NOT_KEPT, NOTHING_LOADED
from service.replies import REQUEST_ID
from service.routes import METRICS, OPEN, READY, Route, Routes

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

NOWHERE = "/unknown"
"""A path that is no route."""

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Middleware:
    """The layer around an application.

    Parameters
    ----------
    application
        Flask's.
    routes, access, condition, counters, log
        What it asks and tells.
    max_in_flight
        Requests in one worker above which the next are told to come back.
    metrics_port
        Where GET /metrics is; None: beside the others.
    """

    def __init__(
        self, application: Application, *, routes: Routes, access: Access, condition: Condition, counters: Counters,
        log: AccessLog, max_in_flight: int, metrics_port: int | None,
    ) -> None:  # fmt: skip
        self._application = application
        self._find = routes.find
        self._access = access
        self._condition = condition
        self._count = counters.request
        self._log = log.write
        self._max_in_flight = max_in_flight
        self._metrics_port = None if metrics_port is None else str(metrics_port)
        # Unique among processes and restarts by its beginning, in the process by its end.
        self._ids = map((secrets.token_hex(10) + "%012x").__mod__, count())

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; see PEP 3333."""
        started = perf_counter()
        route = self._find(environ["PATH_INFO"])
        given = environ.get("HTTP_X_REQUEST_ID")
        request_id = given if given is not None and _GIVEN_ID.fullmatch(given) else next(self._ids)
        environ[REQUEST_ID] = request_id
        application, key, denied = self._application, "", ""
        try:
            key = self._admit(environ, route)
        except SegmentationError as error:
            application = _Refusal(error, request_id)
            if isinstance(error, AccessError):
                key, denied = error.key, error.reason
        status, size = 500, 0

        def start(line: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal status, size
            status = int(line[:3])
            cached = policy = False
            for name, value in headers:
                if name == "Content-Length":
                    size = int(value)
                elif name == "Cache-Control":
                    cached = True
                elif name == "Content-Security-Policy":
                    policy = True
            headers.append(("X-Request-Id", request_id))
            headers.append(NOT_GUESSED)
            if not cached:
                headers.append(NOT_KEPT)
            if not policy:
                headers.append(NOTHING_LOADED)
            return start_response(line, headers, exc_info) if exc_info else start_response(line, headers)

        try:
            return application(environ, start)
        finally:
            seconds = perf_counter() - started
            self._count(route.name, status, seconds)
            peer = environ.get("REMOTE_ADDR", "") if denied else ""
            method = environ["REQUEST_METHOD"]
            self._log(method, route.name, status, seconds, size, request_id, key, denied, peer)

    def _admit(self, environ: Environ, route: Route) -> str:
        if route.name == UNKNOWN:
            # Flask matches again, and would take //predict for /predict: with a key that is not for it.
            environ["PATH_INFO"] = NOWHERE
        if self._metrics_port is not None:
            there = environ["SERVER_PORT"] == self._metrics_port
            if there != (route.name == METRICS):
                raise WrongPortError(
                    "there is no such route on this port",
                    hint="GET /metrics is here, and nothing else" if there else "GET /metrics is on a port of its own",
                )
        if route.scope is OPEN:
            if route.name == READY and self._condition.stopping:
                raise StoppingError("the service is about to stop", hint="send requests to another")
            return ""
        if self._condition.in_flight > self._max_in_flight:
            raise OverloadedError(
                "there are more requests than the service takes at once", hint="try again in a moment"
            )
        return self._access.admit(environ, route)


class _Refusal:
    """A WSGI application that answers with a problem."""

    def __init__(self, error: SegmentationError, request_id: str) -> None:
        self._error = error
        self._request_id = request_id

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        problem = problems.of(self._error)
        problem.request_id = self._request_id
        body = problems.encode(problem)
        headers = [("Content-Type", problems.CONTENT_TYPE), ("Content-Length", str(len(body)))]
        if isinstance(self._error, AccessError) and self._error.challenge:
            headers.append(("WWW-Authenticate", self._error.challenge))
        if problem.status == 503:
            headers.append(("Retry-After", "1"))
        start_response(f"{problem.status} {problems.REASONS[problem.status]}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
