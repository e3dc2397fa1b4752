"""The counts of each model served, one array per worker and model version, in files that all workers read.

A worker's counts outlive it. A file describes itself: who is asked for metrics may serve another model than the worker
that made the file. Files of a version go when nobody serves it and two later ones have come.
"""

import logging
import mmap
import os
import struct
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from segmentation.scoring import Floats
from service.drift.layout import CUSTOMERS, Layout, decode
from service.shared_memory import map_shared, warn

logger = logging.getLogger(__name__)

KEPT = 2
"""Versions whose counts are told though nobody serves them any more: a rollback finds its counts again."""

_HEAD = struct.Struct("<Qdd")
_COUNTS = ".counts"
_FROZEN = ".baseline"
_TOLD = "customers.told"


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The counts of one model over all workers.

    Parameters
    ----------
    layout
        What stands where.
    begun
        When the first worker began to count, seconds since 1970.
    opened
        When a worker last took the model.
    totals
        float64, shape (layout.size,).
    """

    layout: Layout
    begun: float
    opened: float
    totals: Floats


class Arrays:
    """The arrays of an instance.

    Parameters
    ----------
    folder
        Where the workers' files are; empty: this process is alone.
    now
        Seconds since 1970.
    """

    def __init__(self, folder: str, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._folder = Path(folder) if folder else None
        self._own: dict[str, tuple[Floats, Path | None]] = {}
        # Arrays that could not be shared.
        self._unshared: dict[str, Counted] = {}
        self._frozen: dict[str, Floats] = {}
        shared = map_shared(folder, _TOLD, 8) if folder else None
        self._told = memoryview(bytearray(8) if shared is None else shared).cast("d")

    def open(self, layout: Layout) -> Floats:
        """The array of a model that is this worker's own: a new one, or the one that it has already.

        Parameters
        ----------
        layout
            Of the model.

        Returns
        -------
        ndarray
            float64, shape (layout.size,).
        """
        had = self._own.get(layout.version)
        if had is not None and (had[1] is None or had[1].exists()):
            self._reopened(layout.version, had[1])
            return had[0]
        head = msgspec.json.encode(layout)
        # Counts are aligned.
        head += b" " * (-(len(head) + _HEAD.size) % 8)
        offset = _HEAD.size + len(head)
        found = None if self._folder is None else self._shared(self._folder, layout.version, offset + 8 * layout.size)
        if found is None:
            counts = np.zeros(layout.size)
            self._unshared[layout.version] = Counted(layout, self._now(), self._now(), counts)
            self._own[layout.version] = counts, None
            return counts
        buffer, descriptor, path = found
        counts = np.frombuffer(buffer, dtype=np.float64, offset=offset)
        buffer[_HEAD.size : offset] = head
        # Last, and in one go: a file without a length is not read yet.
        os.pwrite(descriptor, _HEAD.pack(len(head), self._now(), self._now()), 0)
        os.close(descriptor)
        self._own[layout.version] = counts, path
        return counts

    def counted(self) -> list[Counted]:
        """The counts of all models, over all workers, the dead included.

        Returns
        -------
        list of Counted
            The one that was taken last at the end.
        """
        found: dict[str, Counted] = {}
        shared = [each for each in map(_read, self._files(f"*{_COUNTS}")) if each is not None]
        own = [replace(each, totals=each.totals.copy()) for each in self._unshared.values()]
        for each in shared + own:
            before = found.get(each.layout.version)
            if before is not None:
                begun, opened = min(each.begun, before.begun), max(each.opened, before.opened)
                each = Counted(each.layout, begun, opened, each.totals + before.totals)
            found[each.layout.version] = each
        return sorted(found.values(), key=lambda each: each.opened)

    def tell(self, counted: Sequence[Counted]) -> None:
        """Note that counts were given to whoever scrapes.

        Parameters
        ----------
        counted
            Of all models.
        """
        self._told[0] = _customers(counted)

    def untold(self) -> int | None:
        """How many customers were counted since counts were given to whoever scrapes.

        Returns
        -------
        int or None
            They would be lost if the instance ended now. None: nobody ever scraped.
        """
        told = self._told[0]
        return max(0, int(_customers(self.counted()) - told)) if told > 0 else None

    def keep(self, served: Collection[str]) -> None:
        """Forget all but the latest two models, and those that are served.

        Parameters
        ----------
        served
            Versions that living workers serve.
        """
        versions = [each.layout.version for each in self.counted()]
        for version in set(versions[:-KEPT]) - set(served):
            for path in self._files(f"{version}.*"):
                path.unlink(missing_ok=True)
            for known in (self._own, self._unshared, self._frozen):
                known.pop(version, None)

    def freeze(self, counted: Counted) -> None:
        """Keep counts as a baseline; the first who does wins.

        Parameters
        ----------
        counted
            To be kept.
        """
        version = counted.layout.version
        if self._folder is None:
            self._frozen.setdefault(version, counted.totals)
            return
        try:
            descriptor, made = tempfile.mkstemp(dir=self._folder)
        except OSError as error:
            self._frozen.setdefault(version, counted.totals)
            warn(self._folder, error)
            return
        try:
            with os.fdopen(descriptor, "wb") as file, suppress(FileExistsError):
                file.write(counted.totals.tobytes())
                file.flush()
                os.link(made, self._folder / f"{version}{_FROZEN}")
        except OSError as error:
            self._frozen.setdefault(version, counted.totals)
            warn(self._folder, error)
        finally:
            Path(made).unlink()

    def frozen(self, layout: Layout) -> Floats | None:
        """The baseline of a model.

        Parameters
        ----------
        layout
            Of the model.

        Returns
        -------
        ndarray or None
            As `Counted.totals`; None where there is none yet.
        """
        known = self._frozen.get(layout.version)
        if known is not None or self._folder is None:
            return known
        try:
            content = (self._folder / f"{layout.version}{_FROZEN}").read_bytes()
        except FileNotFoundError:
            return None
        return np.frombuffer(content)

    def _reopened(self, version: str, path: Path | None) -> None:
        """Whoever tidies up is told that it is wanted again."""
        if path is None:
            self._unshared[version] = replace(self._unshared[version], opened=self._now())
            return
        with path.open("r+b") as file:
            length, begun, _ = _HEAD.unpack(file.read(_HEAD.size))
            file.seek(0)
            file.write(_HEAD.pack(length, begun, self._now()))

    def _files(self, pattern: str) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob(pattern))

    def _shared(self, folder: Path, version: str, size: int) -> tuple[mmap.mmap, int, Path] | None:
        try:
            descriptor, path = tempfile.mkstemp(dir=folder, prefix=f"{version}.", suffix=_COUNTS)
        except OSError as error:
            warn(folder, error)
            return None
        try:
            # A file with holes would kill the worker with SIGBUS on its first count in a page that the disk has not.
            os.posix_fallocate(descriptor, 0, size)
            return mmap.mmap(descriptor, size), descriptor, Path(path)
        except OSError as error:
            Path(path).unlink()
            os.close(descriptor)
            warn(folder, error)
            return None


def _customers(counted: Sequence[Counted]) -> float:
    return float(sum(each.totals[CUSTOMERS] for each in counted))


def _read(path: Path) -> Counted | None:
    """What a file holds; None where its worker has only just made it, or another one has removed it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(content) < _HEAD.size:
        return None
    length, begun, opened = _HEAD.unpack_from(content)
    if not length:
        return None
    layout = decode(content[_HEAD.size : _HEAD.size + length])
    return Counted(layout, begun, opened, np.frombuffer(content, dtype=np.float64, offset=_HEAD.size + length))
