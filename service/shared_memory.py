"""What workers share: each has a file mapped into memory, with its counts and its status; any of them reads all.

A worker's counts outlive it, so that a restart loses none. Its status does not: a lock on its file, which the kernel
lets go of however the worker ends, tells the living from the dead.
"""

import fcntl
import logging
import mmap
import os
import struct
import tempfile
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

logger = logging.getLogger(__name__)

STATUS_BYTES = 512
"""At the beginning of a file: length and CRC-32 of the status, and the status; the counts come after it."""

_HEAD = struct.Struct("<II")
_SUFFIX = ".counters"
_READS = 50
_PAUSE_SECONDS = 0.0005


class SharedMemory:
    """The counts and the status of this worker, and those of all.

    Where the folder is full the worker counts alone, with a warning: its answers are worth more than its counts.

    Parameters
    ----------
    places
        Number of counts; every worker must give the same.
    folder
        Where the workers' files are; empty: this process is alone.
    """

    def __init__(self, places: int, folder: str) -> None:
        self._size = STATUS_BYTES + 8 * places
        self._folder = Path(folder) if folder else None
        shared = None if self._folder is None else self._shared(self._folder)
        self._alone = shared is None
        self._buffer = shared if shared is not None else mmap.mmap(-1, self._size)
        # Of float64. Adding to one of these takes a tenth of the time that it takes in a numpy array.
        self.counts = memoryview(self._buffer)[STATUS_BYTES:].cast("d")

    def totals(self) -> npt.NDArray[np.float64]:
        """The counts of all workers, the dead included.

        Returns
        -------
        ndarray
            float64, shape (places,).
        """
        total = np.array(self.counts) if self._alone else np.zeros(len(self.counts))
        for path in self._files():
            content = path.read_bytes()
            # A worker that starts right now has made its file but not yet given it its size.
            if len(content) == self._size:
                total += np.frombuffer(content, dtype=np.float64, offset=STATUS_BYTES)
        return total

    def tell(self, status: bytes) -> None:
        """Say how this worker is; callers do so one at a time.

        Parameters
        ----------
        status
            At most STATUS_BYTES less 8.

        Raises
        ------
        ValueError
            It is longer.
        """
        if len(status) > STATUS_BYTES - _HEAD.size:
            raise ValueError(f"a status of {len(status)} bytes does not fit into {STATUS_BYTES - _HEAD.size}")
        self._buffer[: _HEAD.size + len(status)] = _HEAD.pack(len(status), zlib.crc32(status)) + status

    def told(self) -> list[bytes]:
        """How the living workers are.

        Returns
        -------
        list of bytes
            What each told last; without those that have not told anything yet.
        """
        found = [_status(self._buffer[:STATUS_BYTES])] if self._alone else []
        found += [_status_of_living(path) for path in self._files()]
        return [status for status in found if status]

    def _files(self) -> list[Path]:
        return [] if self._folder is None else sorted(self._folder.glob(f"*{_SUFFIX}"))

    def _shared(self, folder: Path) -> mmap.mmap | None:
        try:
            descriptor, path = tempfile.mkstemp(dir=folder, suffix=_SUFFIX)
        except OSError as error:
            warn(folder, error)
            return None
        # Waits for a scrape that has just looked whether anybody holds it. Never closed: the lock is held for life.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            # A file with holes would kill the worker with SIGBUS on its first count in a page that the disk has not.
            os.posix_fallocate(descriptor, 0, self._size)
            return mmap.mmap(descriptor, self._size)
        except OSError as error:
            Path(path).unlink()
            os.close(descriptor)
            warn(folder, error)
            return None


def map_shared(folder: str, name: str, size: int) -> mmap.mmap | None:
    """Map a file that all workers of a service share; the first that asks makes it, full of zeros.

    Parameters
    ----------
    folder, name
        Where it is.
    size
        In bytes; every worker must give the same.

    Returns
    -------
    mmap or None
        None, with a warning, where the folder is full.
    """
    path = Path(folder, name)
    try:
        if not path.exists():
            _make(path, size)
        descriptor = os.open(path, os.O_RDWR)
        try:
            return mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
    except OSError as error:
        logger.warning("%s of this worker is not shared with the others: %s: %s", name, folder, error.strerror)
        return None


def _make(path: Path, size: int) -> None:
    """Whole or not at all: others open it as soon as it bears its name."""
    descriptor, made = tempfile.mkstemp(dir=path.parent)
    try:
        os.posix_fallocate(descriptor, 0, size)
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        os.close(descriptor)
        Path(made).unlink()


def warn(place: Path, error: OSError) -> None:
    """Say that a worker counts alone.

    Parameters
    ----------
    place, error
        What cannot be written to, and why.
    """
    logger.warning("this worker's counts are not shared with the others: %s: %s", place, error.strerror)


def _status_of_living(path: Path) -> bytes | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        for _ in range(_READS):
            status = _status(os.pread(descriptor, STATUS_BYTES, 0))
            if status is not None:
                return status
            # Its owner is writing it.
            time.sleep(_PAUSE_SECONDS)
    finally:
        os.close(descriptor)
    return None


def _status(content: bytes) -> bytes | None:
    if len(content) < STATUS_BYTES:
        return b""
    length, checksum = _HEAD.unpack_from(content)
    status = content[_HEAD.size : _HEAD.size + length]
    return status if zlib.crc32(status) == checksum else None
