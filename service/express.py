"""POST /predict for one customer sent with features, round Flask: what a CRM asks most, at two thirds of the cost.

It knows only what is right, and leaves everything else, with its body, to the application: there is one place where
errors are told.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from service import problems
from service.errors import NotReadyError
from service.live_model import LiveModel
from service.metrics import Counters
from service.replies import REQUEST_ID

LONGEST = 16_384
"""Bytes of a body. One customer's features are shorter; many customers' would be decoded for nothing."""

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Express:
    """A WSGI application before another: answers what `predictions.Single` can, and hands on the rest.

    Parameters
    ----------
    application
        The one behind.
    live_model, counters
        Of the service.
    """

    def __init__(self, application: Application, live_model: LiveModel, counters: Counters) -> None:
        self._application = application
        self._current = live_model.current
        self._count = counters.customers

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request; see PEP 3333."""
        if environ["PATH_INFO"] == "/predict" and environ["REQUEST_METHOD"] == "POST":
            answer = self._answer(environ)
            if answer is not None:
                self._count("features", 1)
                headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))]
                start_response("200 OK", headers)
                return (answer,)
        return self._application(environ, start_response)

    def _answer(self, environ: Environ) -> bytes | None:
        length = environ.get("CONTENT_LENGTH", "")
        plain = (
            environ.get("CONTENT_TYPE") == "application/json"
            and not environ.get("QUERY_STRING")
            and "HTTP_CONTENT_ENCODING" not in environ
            and "HTTP_TRANSFER_ENCODING" not in environ
        )
        if not plain or not (length.isascii() and length.isdecimal()) or int(length) > LONGEST:
            return None
        try:
            serving = self._current()
        except NotReadyError:
            return None
        content: bytes = environ["wsgi.input"].read(int(length))
        answer = None
        try:
            if len(content) == int(length):
                answer = serving.single.answer(content, serving.tally)
        except Exception as error:  # noqa: BLE001 - the application may know better, and tells what it does not
            problems.log_defect(error, environ.get(REQUEST_ID, ""))
        if answer is None:
            environ["wsgi.input"] = BytesIO(content)
        return answer
