"""What takes long to train is trained by one of pytest's processes and read by the others."""

import fcntl
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segmentation.features import EVENT_FEATURES, ORDER_FEATURES
from training.job import Result

_EXPRESSIONS = {
    (kind, feature.name): feature.expression
    for kind, catalogue in (("orders", ORDER_FEATURES), ("events", EVENT_FEATURES))
    for feature in catalogue
}
_NAMES = {id(expression): name for name, expression in _EXPRESSIONS.items()}


class _Pickler(pickle.Pickler):
    """Expressions of a catalogue go by the names of their features: they have none of their own."""

    def persistent_id(self, it: Any) -> tuple[str, str] | None:
        return _NAMES.get(id(it)) if callable(it) else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: tuple[str, str]) -> object:
        return _EXPRESSIONS[name]


def once(folders: pytest.TempPathFactory, worker: str, name: str, make: Callable[[], Result]) -> Result:
    """What `make` gives, made by the first process that asks for it.

    Parameters
    ----------
    folders
        Pytest's: all processes of a run have theirs in one folder.
    worker
        The process: xdist's `worker_id`.
    name
        Of what is made; a file in the run's folder.
    make
        Called while the others wait.
    """
    own = folders.getbasetemp()
    if worker == "master":
        return make()
    file = own.parent / f"{name}.pickle"
    with Path(f"{file}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            made = make()
            begun = file.with_suffix(".begun")
            with begun.open("wb") as out:
                _Pickler(out).dump(made)
            begun.rename(file)
            return made
    with file.open("rb") as source:
        read: Result = _Unpickler(source).load()
    return read
