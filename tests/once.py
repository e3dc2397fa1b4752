"""What takes long to train is trained by one of pytest's processes and read by the others."""

import fcntl
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segmentation.features import EVENT_FEATURES, ORDER_FEATURES, Feature
from training.job import Result

_CATALOGUE = {feature.name: feature for feature in (*ORDER_FEATURES, *EVENT_FEATURES)}


class _Pickler(pickle.Pickler):
    """Features of a catalogue go by name: their expressions are functions without one."""

    def persistent_id(self, it: Any) -> str | None:
        return it.name if isinstance(it, Feature) and _CATALOGUE.get(it.name) is it else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, name: str) -> Feature:
        return _CATALOGUE[name]


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
