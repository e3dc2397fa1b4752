"""Commands as their users run them: a process each, with streams, environment and exit code of its own.

Four fifths of what a short `python -m training` takes are imports. So they are made once, in a process that does
nothing else (`tests.servers.warm`), and a command is a copy of it.
"""

import atexit
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.servers.service import ROOT

AT_START = ("PYTHON", "OMP_", "OPENBLAS_", "MKL_", "NUMBA_")
"""Variables that are read while an interpreter or a library starts: where one is given, a new one is started."""

Done = subprocess.CompletedProcess[str]


def run(
    module: str, *arguments: str | Path, environment: Mapping[str, str] | None = None, timeout: float = 120
) -> Done:
    """Run `python -m MODULE`.

    Parameters
    ----------
    module
        A room.
    arguments
        Of the command line.
    environment
        Beside that of the tests.
    timeout
        Seconds until it is given up.
    """
    given = environment or {}
    if any(name.startswith(AT_START) for name in given):
        return cold(module, *arguments, environment=given, timeout=timeout)
    return _warm(module).run(module, [str(each) for each in arguments], {**os.environ, **given}, timeout)


def cold(
    module: str, *arguments: str | Path, environment: Mapping[str, str] | None = None, timeout: float = 120
) -> Done:
    """The same by an interpreter that is started for it."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False,
        timeout=timeout,
    )  # fmt: skip


class _Warm:
    """The process of which commands are copies."""

    def __init__(self, room: str) -> None:
        self._one_at_a_time = threading.Lock()
        self._replies, replies = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.warm", str(replies), room],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[replies],
        )  # fmt: skip
        os.close(replies)
        atexit.register(self._end)

    def run(self, module: str, arguments: list[str], environment: dict[str, str], timeout: float) -> Done:
        with self._one_at_a_time, tempfile.TemporaryDirectory(prefix="command-") as folder:
            out, err = Path(folder, "stdout"), Path(folder, "stderr")
            out.touch()
            err.touch()
            command = {
                "module": module, "arguments": arguments, "environment": environment, "stdout": str(out),
                "stderr": str(err),
            }  # fmt: skip
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
            copy = self._reply(60)
            assert copy is not None, "the process that commands are copies of does not answer"
            status = self._reply(timeout)
            if status is None:
                os.kill(copy, signal.SIGKILL)
                self._reply(60)
                raise subprocess.TimeoutExpired([module, *arguments], timeout, out.read_bytes(), err.read_bytes())
            return Done([module, *arguments], status, out.read_text(), err.read_text())

    def _reply(self, timeout: float) -> int | None:
        """A line with a number; None where none comes in time."""
        said, patience = b"", time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            while not said.endswith(b"\n"):
                if not selector.select(max(0, patience - time.monotonic())):
                    return None
                # One byte: the next line is another reply.
                byte = os.read(self._replies, 1)
                if not byte:
                    raise RuntimeError(f"the process that commands are copies of ended: {self._process.wait()}")
                said += byte
        return int(said)

    def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        os.close(self._replies)


_warm = cache(_Warm)
