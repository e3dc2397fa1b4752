"""Work in a child process that takes its memory with it when it ends."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

import msgspec

from segmentation.errors import InconsistentModelError, ModelError

LONGEST_SECONDS = 60.0
"""A proof has limits of its own, which are shorter; this ends a child that hangs."""

_CONTEXT = multiprocessing.get_context("fork")
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT, signal.SIGHUP, signal.SIGUSR2)


class _Told(msgspec.Struct):
    """What the child says of an error."""

    code: str
    message: str
    hint: str


def apart(work: Callable[[], object]) -> None:
    """Do something in a fork of this process, and wait for it.

    Parameters
    ----------
    work
        What it gives is lost with the child.

    Raises
    ------
    ModelError
        It raised one: the same, of the same kind.
    RuntimeError
        The child ended otherwise, for want of memory for instance.
    """
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    child = _CONTEXT.Process(target=_work, args=(work, sender), daemon=True)
    with receiver:
        with sender:
            child.start()
        try:
            told = receiver.recv_bytes() if receiver.poll(LONGEST_SECONDS) else None
        except EOFError:
            told = None
    if told is None:
        child.kill()
    child.join()
    if told is None:
        raise RuntimeError(f"a proof ended with {child.exitcode} and without a word")
    if told:
        raise _error(msgspec.json.decode(told, type=_Told))


def _work(work: Callable[[], object], sender: Connection) -> None:
    for number in _ENDING:
        # The worker's own handlers would only make a note for a loop that does not run here.
        signal.signal(number, signal.SIG_DFL)
    try:
        work()
    except ModelError as error:
        sender.send_bytes(msgspec.json.encode(_Told(error.code, error.message, error.hint)))
    else:
        sender.send_bytes(b"")


def _error(told: _Told) -> ModelError:
    kinds: dict[str, type[ModelError]] = {kind.code: kind for kind in ModelError.__subclasses__()}
    return kinds.get(told.code, InconsistentModelError)(told.message, hint=told.hint)
