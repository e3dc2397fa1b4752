"""The process that opens a foreign file: it tells what is in it, and asks it about rows, for as long as somebody asks.

It can write to no file, has little memory, and its time is limited; it has none of the job's variables, and whatever a
library prints goes nowhere.
"""

import os
import resource
import sys
import warnings
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pandas as pd
from sklearn.exceptions import InconsistentVersionWarning

from training.importing.described import Answer, Described, Labels, Refused, Rows
from training.importing.reading import UnacceptableError, described, ready, unasked
from training.importing.unpickler import Unpickler

MEMORY = 4 * 2**30
"""Bytes, besides those of the file and what it unpacks to."""

SECONDS = 600
LENGTH = 8
"""Bytes of the number that says how long a message is."""


def main() -> None:
    """Read the file from the first message, then rows from the others, and answer each."""
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What libraries print must not be taken for an answer.
    os.dup2(2, 1)
    content = receive(questions)
    if content is None:
        return
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CPU, SECONDS)
    _limit(resource.RLIMIT_AS, MEMORY + 4 * len(content))
    pipeline, answer = unpacked(content)
    send(answers, msgspec.msgpack.encode(answer))
    if not isinstance(answer, Described):
        return
    while (message := receive(questions)) is not None:
        rows = msgspec.msgpack.decode(message, type=Rows)
        send(answers, msgspec.msgpack.encode(_asked(pipeline, answer, rows)))


def receive(stream: BinaryIO) -> bytes | None:
    """The next message.

    Parameters
    ----------
    stream
        Of messages.

    Returns
    -------
    bytes or None
        None at the end.
    """
    length = stream.read(LENGTH)
    if len(length) < LENGTH:
        return None
    wanted = int.from_bytes(length, "big")
    message = stream.read(wanted)
    return message if len(message) == wanted else None


def send(stream: BinaryIO, message: bytes) -> None:
    """Send a message.

    Parameters
    ----------
    stream
        Of messages.
    message
        Its bytes.
    """
    stream.write(len(message).to_bytes(LENGTH, "big"))
    stream.write(message)
    stream.flush()


def unpacked(content: bytes) -> tuple[Any, Answer]:
    """Open a file.

    Parameters
    ----------
    content
        Of the file.

    Returns
    -------
    pipeline, answer
        The Pipeline, ready to be asked, and what it is; or None, and why it is not taken in.
    """
    unpickler = None
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            unpickler = Unpickler(content)
            found = unpickler.load()
        told = described(found, list(unpickler.strangers))
    except UnacceptableError as error:
        return None, Refused(error.message, error.hint)
    except MemoryError:
        return None, Refused("it takes more memory than a Pipeline needs", "dump the fitted Pipeline alone")
    except Exception as error:  # noqa: BLE001 - a strange pickle can raise anything; its text may hold data
        # What it asked for says more than how it came to grief without it.
        if unpickler is not None and unpickler.strangers:
            complaint = unasked(list(unpickler.strangers))
            return None, Refused(complaint.message, complaint.hint)
        return None, Refused(
            f"it is no file of pickle or joblib, or a broken one ({type(error).__name__})",
            "dump the fitted Pipeline with joblib.dump(pipeline, 'FILE.pkl')",
        )
    made_by = next(
        (
            str(each.message.original_sklearn_version)
            for each in warned
            if isinstance(each.message, InconsistentVersionWarning)
        ),
        told.here,
    )
    return ready(found), msgspec.structs.replace(told, made_by=made_by)


def _limit(which: int, most: int) -> None:
    """No more than this, for good; a limit that is lower already stays."""
    _, hard = resource.getrlimit(which)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _asked(pipeline: Any, described: Described, rows: Rows) -> Answer:
    customers: Any = np.frombuffer(rows.values).reshape(-1, rows.width)
    customers = customers.astype(np.float32) if described.single else customers
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Who chooses columns by name needs names.
            found = pipeline.predict(pd.DataFrame(customers, columns=described.names) if described.names else customers)
        return Labels(np.asarray(found, dtype=np.int64).tobytes())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return Refused(
            f"its own predict fails here ({type(error).__name__})",
            "dump it again under the release of scikit-learn that the job has, and try once more",
        )


if __name__ == "__main__":
    main()
