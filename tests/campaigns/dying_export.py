"""An export that is killed (SIGKILL) at one write to S3 after another, each time in a process of its own.

`python -m tests.campaigns.dying_export STEPS URL ARGUMENTS`; steps are `METHOD:NUMBER:PHASE`, with commas between:
method of the store, the number of its call, and before, during or after. A line for each says what a reader sees then.
"""

import os
import signal
import socket
import sys
from typing import Any, NoReturn

from campaigns.cli import main
from segmentation.registry.s3 import S3Store
from tests.campaigns import exported_bucket


def die(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives SIGKILL")


def send_half_and_die(connection: socket.socket, data: bytes) -> None:
    # Requests begin with their headers; the body follows by itself.
    if bytes(data).startswith((b"PUT ", b"GET ", b"POST ")):
        socket.SocketType.sendall(connection, data)
        return
    connection.send(bytes(data)[: len(data) // 2])
    die()


def deadly(method: str, number: int, phase: str) -> None:
    """Let the store kill this process."""
    original, calls = getattr(S3Store, method), 0

    def call(store: S3Store, *given: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and phase == "before":
            die()
        if calls == number and phase == "during":
            socket.socket.sendall = send_half_and_die  # type: ignore[assignment,method-assign]
        done = original(store, *given)
        if calls == number:
            die()
        return done

    setattr(S3Store, method, call)


if __name__ == "__main__":
    steps, url, *arguments = sys.argv[1:]
    for step in steps.split(","):
        child = os.fork()
        if child == 0:
            name, at, when = step.split(":")
            deadly(name, int(at), when)
            sys.argv = ["campaigns", *arguments, "--to", url]
            main()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit(f"{step}: not killed, but {status}")
        print(step, exported_bucket.seen(url), flush=True)
