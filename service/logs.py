"""The log: one JSON object per line on standard error, or text for people at a terminal.

Nothing of a request's body, query, path or headers is in it: routes are named by their template, keys by their name.
"""

import logging
import os
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from gunicorn import glogging

from segmentation.settings import LogFormat, LogLevel

STANDARD_ERROR = 2

_TEXT = "%(asctime)s [%(process)d] %(levelname)s %(name)s: %(message)s"

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


_NUMBERS: dict[Level, int] = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


class AccessLine(msgspec.Struct, omit_defaults=True):
    """What the log says of one request.

    Parameters
    ----------
    time, level, logger, message, process
        As in every line; the message is the method, the route and the status.
    method, route, status, milliseconds, bytes, request_id
        Of the request and its answer; `bytes` are those of the answer's body.
    key
        Name of the API key; empty where there was none.
    denied, peer
        For a request that was refused for want of a key, scope or port: why, and the address it came from.
    lost
        Lines before this one that could not be written.
    """

    time: datetime
    level: Level
    logger: str
    message: str
    process: int
    method: str
    route: str
    status: int
    milliseconds: float
    bytes: int
    request_id: str
    key: str = ""
    denied: str = ""
    peer: str = ""
    lost: int = 0


class _Line(msgspec.Struct, omit_defaults=True):
    time: datetime
    level: str
    logger: str
    message: str
    process: int
    request_id: str = ""
    traceback: str = ""


class AccessLog:
    """Writes a line per request, each with one call of the system.

    Parameters
    ----------
    level
        Lines below it are not written; refusals are warnings, 5xx are errors but for 503, a warning.
    form
        "json" or "text".
    descriptor
        Where to.
    """

    def __init__(self, level: LogLevel, form: LogFormat, descriptor: int = STANDARD_ERROR) -> None:
        self._least = _NUMBERS[level]
        self._json = form == "json"
        self._descriptor = descriptor
        self._encode = msgspec.json.Encoder().encode
        self._process = os.getpid()
        self._lost = 0
        self._counting = threading.Lock()

    def write(
        self, method: str, route: str, status: int, seconds: float, size: int, request_id: str, key: str,
        denied: str = "", peer: str = "",
    ) -> None:  # fmt: skip
        """Write the line of a request; see `AccessLine` for the parameters."""
        level: Level = "INFO"
        if denied or status == 503:
            level = "WARNING"
        elif status >= 500:
            level = "ERROR"
        if _NUMBERS[level] < self._least:
            return
        line = AccessLine(
            datetime.now(UTC), level, "service.denied" if denied else "service.access", f"{method} {route} {status}",
            self._process, method, route, status, round(seconds * 1e3, 3), size, request_id, key, denied, peer,
            self._lost,
        )  # fmt: skip
        self._write(self._encode(line) + b"\n" if self._json else _as_text(line))

    def _write(self, content: bytes) -> None:
        try:
            os.write(self._descriptor, content)
        except OSError:
            # Whoever reads the log is gone or the disk is full: requests are answered all the same, and the next line
            # that can be written says how many are missing.
            with self._counting:
                self._lost += 1
            return
        if self._lost:
            with self._counting:
                self._lost = 0


class JsonFormatter(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        line = _Line(
            time=datetime.fromtimestamp(record.created, UTC),
            level=record.levelname,
            logger=record.name,
            message=record.getMessage(),
            process=record.process or 0,
            request_id=getattr(record, "request_id", ""),
            traceback=self.formatException(record.exc_info) if record.exc_info else "",
        )
        return msgspec.json.encode(line).decode()


def form_of(wanted: LogFormat | None) -> LogFormat:
    """The form of the log.

    Parameters
    ----------
    wanted
        As set; None: text where people watch, JSON elsewhere.

    Returns
    -------
    str
        "json" or "text".
    """
    return wanted or ("text" if sys.stderr is not None and sys.stderr.isatty() else "json")


def formatter(form: LogFormat) -> logging.Formatter:
    """The formatter of all loggers but that of requests.

    Parameters
    ----------
    form
        "json" or "text".

    Returns
    -------
    logging.Formatter
        Of one line per record.
    """
    return JsonFormatter() if form == "json" else logging.Formatter(_TEXT)


def configure(level: LogLevel, form: LogFormat) -> None:
    """Send the records of all loggers to standard error, unless somebody has set that up already.

    Parameters
    ----------
    level
        Least level.
    form
        "json" or "text".
    """
    if logging.root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(form))
    logging.root.addHandler(handler)
    logging.root.setLevel(level)


class GunicornLogger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's log of its own doings, in the same form as ours."""

    def setup(self, cfg: Any) -> None:
        """See gunicorn: called at the start, and again when it is told to read its configuration."""
        super().setup(cfg)
        form = os.environ.get("SEGMENTATION_LOG_FORMAT")
        chosen = formatter(form_of(form if form in ("json", "text") else None))  # type: ignore[arg-type]
        for handler in self.error_log.handlers:
            handler.setFormatter(chosen)


def _as_text(line: AccessLine) -> bytes:
    further = " ".join(filter(None, (line.key, line.denied, line.peer, f"({line.lost} lines lost)" * bool(line.lost))))
    return (
        f"{line.time.astimezone():%Y-%m-%d %H:%M:%S} [{line.process}] {line.level} {line.logger}: {line.message} "
        f"{line.milliseconds} ms, {line.bytes} bytes, {line.request_id} {further}".rstrip()
        + "\n"
    ).encode("utf-8", "replace")
