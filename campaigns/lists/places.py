"""Where lists go: a new folder, or a prefix of a bucket. Whoever reads them looks for the summary first.

A folder appears whole, or not at all. A bucket has no such move: there the summary is written last and names every list
with its SHA-256, so that lists without a summary are an unfinished run's, and nobody's to use.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import duckdb

from segmentation.errors import ConfigurationError, LostRaceError, StoreAccessError, StoreUnavailableError
from segmentation.registry.store import open_store

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from segmentation.registry.store import Store

SUMMARY = "summary.json"

FULL = "No space left on device"


class Place(Protocol):
    """Where lists go."""

    @property
    def name(self) -> str:
        """For people."""

    def refuse_present(self) -> None:
        """Refuse a place that has lists, before any work is done.

        Raises
        ------
        ConfigurationError, StoreAccessError, StoreUnavailableError
        """

    def filling(self) -> AbstractContextManager[Path]:
        """A folder to write files to; they are published when the block ends, and gone if anything fails.

        Raises
        ------
        ConfigurationError, LostRaceError, StoreAccessError, StoreUnavailableError
        """


def open_place(out: str, spill_dir: str) -> Place:
    """The place that `--out` names.

    Parameters
    ----------
    out
        A folder, or `s3://bucket/prefix`.
    spill_dir
        Where files are made before they are sent; empty: the system's temporary folder.

    Returns
    -------
    Place
        Not yet looked at.

    Raises
    ------
    ConfigurationError
        It is neither.
    """
    if "://" not in out:
        return Folder(Path(out))
    if urlsplit(out).scheme != "s3" or not urlsplit(out).netloc:
        raise ConfigurationError(f"{out} is no place for lists", hint="give a new folder, or s3://bucket/prefix")
    return Bucket(open_store(out), spill_dir)


class Folder:
    """A new folder.

    Parameters
    ----------
    path
        Its place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """See `Place.name`."""
        return str(self._path)

    def refuse_present(self) -> None:
        """See `Place.refuse_present`; the folder around it must be there."""
        if self._path.exists() and not (self._path.is_dir() and not any(self._path.iterdir())):
            raise ConfigurationError(
                f"{self._path} is there already", hint="give a new folder: lists are never written over"
            )
        if not self._path.absolute().parent.is_dir():
            raise ConfigurationError(f"there is no folder {self._path.parent}", hint="make it, or give another --out")

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """See `Place.filling`."""
        self.refuse_present()
        made = None
        try:
            made = Path(mkdtemp(dir=self._path.absolute().parent, prefix=".writing-"))
            yield made
            made.chmod(0o755)
            made.rename(self._path)
        except (OSError, duckdb.IOException) as error:
            if isinstance(error, duckdb.IOException) and str(made) not in str(error):
                raise
            said = FULL if FULL in str(error) else getattr(error, "strerror", None) or "its disk fails"
            raise ConfigurationError(
                f"{self._path} cannot be written: {said}", hint="give a new folder in one with room"
            ) from error
        finally:
            if made is not None and made.exists():
                shutil.rmtree(made)


class Bucket:
    """A prefix of a bucket.

    Parameters
    ----------
    store
        Of that prefix.
    spill_dir
        Where files are made before they are sent; empty: the system's temporary folder.
    """

    def __init__(self, store: Store, spill_dir: str) -> None:
        self._store = store
        self._spill_dir = spill_dir

    @property
    def name(self) -> str:
        """See `Place.name`."""
        return self._store.url

    def refuse_present(self) -> None:
        """See `Place.refuse_present`; what a killed run left without a summary does not count."""
        if self._store.read(SUMMARY) is not None:
            raise ConfigurationError(
                f"{self.name} has lists already", hint="give another prefix: lists are never written over"
            )

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """See `Place.filling`."""
        try:
            made = TemporaryDirectory(prefix="segmentation-lists-", dir=self._spill_dir or None)
        except OSError as error:
            raise ConfigurationError(
                f"the spill folder {self._spill_dir} cannot be used: {error.strerror}",
                hint="set SEGMENTATION_SPILL_DIR to a folder with room",
            ) from error
        with made as folder:
            yield Path(folder)
            self._send(Path(folder))

    def _send(self, folder: Path) -> None:
        names = sorted(file.name for file in folder.iterdir() if file.name != SUMMARY)
        sent: list[str] = []
        finished = False
        try:
            for name in (*names, SUMMARY):
                content = (folder / name).read_bytes()
                if self._store.create(name, content):
                    sent.append(name)
                # A run that was killed left it; the same command makes the same bytes, and goes on.
                elif self._store.read(name) != content:
                    raise LostRaceError(
                        f"{self.name} has another {name}, of a run that was not finished or is at work now",
                        hint="wait for it and look for its summary.json; or give another prefix, and delete this one",
                    )
            finished = True
        finally:
            if not finished:
                # Where the store is gone, so is the way to tidy up; the reason of the failure is what is told.
                with suppress(StoreAccessError, StoreUnavailableError):
                    for name in sent:
                        self._store.delete(name)
