"""What one request for one customer takes inside the process, stage by stage: all that is ours, without gunicorn.

`python -m benchmarks.stages REGISTRY BODY`; `benchmarks.serving` runs it too.
"""

import os
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import astuple

from segmentation.settings import Settings
from service import keys
from service.app import create_app
from service.express import Express
from service.state import KEY

TIMES = 5_000
ALL = "with access, request id, headers, counts"
LOGGED = "with the log line, which the floor writes as well"


def main() -> None:
    report(sys.argv[1], Path(sys.argv[2]).read_bytes())


def report(registry: str, content: bytes) -> None:
    """Print the stages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "keys.json")
        key = keys.add(path, "load", ("predict",))
        chosen = Settings(registry=registry, api_keys_file=str(path), log_format="json")
        app, silent = create_app(chosen), create_app(replace(chosen, log_level="WARNING"))
        state = app.extensions[KEY]
        serving = state.live_model.current()
        answering = Express(_unexpected, state.live_model, state.counters)
        decode = msgspec.json.Decoder(serving.decoder.bodies.by_features).decode
        values = astuple(decode(content).features)
        values = tuple(
            feature.fill if value is None else value
            for value, feature in zip(values, serving.model.card.features, strict=True)
        )
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/predict", "QUERY_STRING": "", "SERVER_PORT": "80",
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(content)), "REMOTE_ADDR": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {key}",
        }  # fmt: skip
        segment, _, distance, _, residual = serving.model.single.assign(values)
        placed, ids = (segment, distance, residual), map("customer-{}".format, count())
        made = _microseconds(lambda: environ | {"wsgi.input": BytesIO(content)})
        stages = {
            "decode and validate": _microseconds(lambda: decode(content)),
            "score": _microseconds(lambda: serving.model.single.assign(values)),
            "count, of a customer who is new": _microseconds(
                lambda: serving.tally.one(next(ids), values, None, *placed, False)
            ),
            "decode, score, encode, count one who was counted": _microseconds(
                lambda: serving.single.answer(content, serving.tally)
            ),
            "the same as a WSGI application": _microseconds(lambda: _ask(answering, environ, content)) - made,
        }
        with _quiet():
            for words, whole in ((ALL, silent.wsgi_app), (LOGGED, app.wsgi_app)):
                stages[words] = _microseconds(lambda: _ask(whole, environ, content)) - made  # noqa: B023
    print("one customer inside the process, microseconds (the log line's write goes to /dev/null)")
    for name, taken in stages.items():
        print(f"  {name:52} {taken:6.1f}")


def _ask(application: Callable[..., Any], environ: dict[str, Any], content: bytes) -> None:
    b"".join(application(environ | {"wsgi.input": BytesIO(content)}, _start))


def _start(status: str, _headers: list[tuple[str, str]], _error: object = None) -> None:
    if status != "200 OK":
        sys.exit(f"the answer is {status}")


def _unexpected(*_: object) -> list[bytes]:
    sys.exit("the body is not one that is answered round Flask")


def _microseconds(function: Callable[[], object]) -> float:
    return min(timeit.repeat(function, number=TIMES, repeat=7)) / TIMES * 1e6


@contextmanager
def _quiet() -> Iterator[None]:
    """Let what is written to standard error go nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


if __name__ == "__main__":
    main()
