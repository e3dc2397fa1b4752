"""The job's side of the process that opens a foreign file: starts it, asks it, ends it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import numpy as np
import numpy.typing as npt

from segmentation.errors import ForeignPipelineError
from segmentation.scoring import Floats
from training.importing.described import Answer, Described, Labels, Refused, Rows

ROWS_AT_ONCE = 65_536
"""Customers asked about in one message."""

LARGEST = 2**28
"""Bytes of a file: a Pipeline of a thousand features and a hundred clusters has a thirtieth of it."""

LENGTH = 8
"""As in `training.importing.child`, which is never imported here: it belongs to the other process."""

START = "import sys; sys.path[:] = sys.argv[1:]; from training.importing.child import main; main()"
_DECODER: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)

ENVIRONMENT = {
    "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    # It asks the system for a semaphore, which is a file that must not be written.
    "JOBLIB_MULTIPROCESSING": "0",
}  # fmt: skip
"""All that the process gets: none of the job's keys and addresses."""


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """A file opened in a process of its own.

    Parameters
    ----------
    name, sha256
        Of the file.
    described
        What it holds.
    process
        That holds it.
    """

    name: str
    sha256: str
    described: Described
    process: subprocess.Popen[bytes]

    def predict(self, customers: Floats) -> npt.NDArray[np.int64]:
        """What the Pipeline itself says.

        Parameters
        ----------
        customers
            float64, shape (n, d), columns in its order.

        Returns
        -------
        ndarray
            Numbers of its clusters, int64, shape (n,).

        Raises
        ------
        ForeignPipelineError
            It fails, or its process ends.
        """
        found = np.empty(len(customers), dtype=np.int64)
        for start in range(0, len(customers), ROWS_AT_ONCE):
            some = np.ascontiguousarray(customers[start : start + ROWS_AT_ONCE], dtype=np.float64)
            message = msgspec.msgpack.encode(Rows(some.shape[1], some.tobytes()))
            answer = _answer(self.process, message, self.name)
            labels = np.frombuffer(answer.values, dtype=np.int64) if isinstance(answer, Labels) else None
            if labels is None or len(labels) != len(some):
                raise ForeignPipelineError(f"{self.name} gives no number for each customer", hint="dump it anew")
            found[start : start + len(some)] = labels
        return found


@contextmanager
def opened(file: Path, trusted: str | None) -> Iterator[Guest]:
    """Open a file in a process of its own, for as long as this context lasts.

    Parameters
    ----------
    file
        Of pickle or joblib.
    trusted
        SHA-256, hexadecimal, of the file that is meant; None: nobody has said so yet.

    Yields
    ------
    Guest
        To ask.

    Raises
    ------
    ForeignPipelineError
        It cannot be read, is another file than the one trusted, or holds no Pipeline that can be taken in.
    """
    content = _read(file)
    digest = sha256(content).hexdigest()
    _refuse_untrusted(file, digest, trusted)
    # What was digested is what is opened: the file is read once.
    process = subprocess.Popen(  # noqa: S603 - this interpreter, with our own code
        [sys.executable, "-I", "-B", "-c", START, *_import_paths()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT, cwd="/",
    )  # fmt: skip
    try:
        answer = _answer(process, content, file.name)
        if not isinstance(answer, Described):
            raise ForeignPipelineError(f"{file.name} does not tell what it holds", hint="dump it anew")
        yield Guest(file.name, digest, answer, process)
    finally:
        process.kill()
        process.communicate()


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise ForeignPipelineError(
                f"{file} has over {LARGEST // 2**20} MB: it holds more than a fitted Pipeline",
                hint="dump the Pipeline without labels and data: joblib.dump(pipeline, 'FILE.pkl')",
            )
        return file.read_bytes()
    except OSError as error:
        raise ForeignPipelineError(f"{file} cannot be read: {error.strerror}", hint="check the path") from error


def _refuse_untrusted(file: Path, digest: str, trusted: str | None) -> None:
    if trusted is None:
        raise ForeignPipelineError(
            f"{file.name} was not opened: a pickle is a program, and nobody has said that this one is meant",
            hint=f"ask who made it for its SHA-256; if that is {digest}, give --trust {digest}",
        )
    if trusted.strip().lower() != digest:
        raise ForeignPipelineError(
            f"{file.name} was not opened: its SHA-256 is {digest}, not the one of --trust",
            hint="it is another file than the one meant, or was altered: ask who made it",
        )


def _import_paths() -> list[str]:
    """Where this process imports from; the present folder by its name, since the other one is elsewhere."""
    return [str(Path(entry).absolute()) for entry in sys.path]


def _answer(process: subprocess.Popen[bytes], message: bytes, name: str) -> Described | Labels:
    questions, answers = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    try:
        questions.write(len(message).to_bytes(LENGTH, "big"))
        questions.write(message)
        questions.flush()
        length = int.from_bytes(answers.read(LENGTH), "big")
        answer: Answer | None = _DECODER.decode(answers.read(length)) if length else None
    except (OSError, msgspec.DecodeError):
        answer = None
    if answer is None:
        code = process.poll()
        raise ForeignPipelineError(
            f"the process that opened {name} ended without an answer" + (f" (exit {code})" if code is not None else ""),
            hint="the file is broken, or needs more memory or time than a Pipeline does: dump it anew",
        )
    if isinstance(answer, Refused):
        raise ForeignPipelineError(f"{name}: {answer.message}", hint=answer.hint)
    return answer
