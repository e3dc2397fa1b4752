"""Generations in S3: uploaded whole, then one small object is replaced if it is still the one that was read.

PREFIX/current.json                              which generation is current, and its files
PREFIX/generations/0000000007-5f2c9a1e/…         its files

Nobody is kept out: of two runs at once the second finds another `current.json` than it had read, and begins anew. A
generation is numbered after the one it was made from. So whatever is numbered no higher than the current one, and is
not it, is of the past, or of a run that can no longer win: it can be deleted at any time, and no run loses what it may
still need.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from campaigns.errors import (
    WarehouseAccessError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseTablesError,
    WarehouseUnavailableError,
)
from campaigns.export.contract import TABLES
from campaigns.export.generations import CURRENT, GENERATIONS, Format, Generation
from segmentation.errors import StoreAccessError, StoreUnavailableError
from segmentation.registry.s3 import S3Store

if TYPE_CHECKING:
    from pathlib import Path

POINTER = f"{CURRENT}.json"

_NAME = re.compile(r"(\d{10})-[0-9a-f]{8}")


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """What `current.json` says; whoever reads the files reads it first.

    Parameters
    ----------
    generation
        Name of the current one.
    previous
        The one before it; None for the first.
    format
        Of the files.
    files
        Their keys by table, below the prefix.
    """

    generation: str
    previous: str | None
    format: Format
    files: dict[str, str]

    @property
    def number(self) -> int:
        """Of the generation."""
        return int(self.generation[:10])


class Bucket:
    """A prefix of a bucket.

    Parameters
    ----------
    bucket, prefix
        Where; the prefix may be empty.
    wait_seconds
        How long it is begun anew where other runs were first.

    Raises
    ------
    WarehouseAccessError
        The settings of botocore cannot be used.
    """

    def __init__(self, bucket: str, prefix: str, wait_seconds: float) -> None:
        with _told():
            self._store = S3Store(bucket, prefix)
        self._wait, self._until = wait_seconds, 0.0
        self.shown = f"files in {self._store.url}"

    @contextmanager
    def alone(self, *, begin: bool) -> Iterator[None]:
        """See `Generations.alone`; other runs are met in `publish`."""
        self._until = time.monotonic() + self._wait
        yield

    def current(self, scratch: Path) -> Generation | None:
        """See `Generations.current`."""
        while True:
            found = self._pointer()
            for copy in scratch.iterdir():
                if _NAME.fullmatch(copy.name):
                    shutil.rmtree(copy)
            if found is None:
                return None
            pointer, tag = found
            # Each its own: DuckDB may remember what it read from a file of the same name.
            folder = scratch / pointer.generation
            missing = self._download(pointer, folder)
            if missing is None:
                return Generation(pointer.number, pointer.format, folder, pointer.generation, tag)
            again = self._pointer()
            # Unless another generation has become current meanwhile, and this one was deleted.
            if again is not None and again[1] == tag:
                raise WarehouseTablesError(
                    f"{self.shown}: {missing} is missing, which {POINTER} names",
                    hint="restore it, or export to a prefix of its own",
                )

    @contextmanager
    def new(self, before: Generation | None, scratch: Path) -> Iterator[Path]:
        """See `Generations.new`."""
        folder = scratch / "new"
        _empty(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def publish(self, folder: Path, kind: Format, before: Generation | None) -> bool:
        """See `Generations.publish`."""
        # The name is not only a number: two runs that begin from the same generation must not write to one place.
        name = f"{before.number + 1 if before else 1:010d}-{uuid.uuid4().hex[:8]}"
        files = {table: f"{GENERATIONS}/{name}/{table}.{kind}" for table in TABLES}
        pointer = Pointer(generation=name, previous=before.name if before else None, format=kind, files=files)
        content = msgspec.json.format(msgspec.json.encode(pointer), indent=2) + b"\n"
        with _told():
            won = self._upload(folder, files) and (
                self._store.create(POINTER, content) if before is None
                else self._store.replace(POINTER, content, before.tag)
            )  # fmt: skip
            if not won:
                self._delete(files)
        if not won and time.monotonic() >= self._until:
            raise WarehouseBusyError(
                f"{self.shown}: another run was first", hint="run it again when that one is done, or raise --wait"
            )
        return won

    def sweep(self, *, keep_previous: bool) -> None:
        """See `Generations.sweep`."""
        found = self._pointer()
        if found is None:
            return
        pointer, _ = found
        kept = {pointer.generation, pointer.previous if keep_previous else None}

        def is_past(key: str) -> bool:
            name = key.split("/")[1]
            matched = _NAME.fullmatch(name)
            return matched is not None and int(matched[1]) <= pointer.number and name not in kept

        try:
            with _told():
                for key, upload in self._store.unfinished(f"{GENERATIONS}/"):
                    if is_past(key):
                        self._store.abort(key, upload)
                for key in self._store.list(f"{GENERATIONS}/"):
                    if is_past(key):
                        self._store.delete(key)
        except WarehouseError as error:
            raise type(error)(
                f"{error.message}; {pointer.generation} is current, but what came before it is not all deleted",
                hint=f"{error.hint}, and run it again",
            ) from error

    def _pointer(self) -> tuple[Pointer, str] | None:
        with _told():
            found = self._store.read_tagged(POINTER)
        if found is None:
            return None
        try:
            pointer = msgspec.json.decode(found[0], type=Pointer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._foreign() from error
        expected = {table: f"{GENERATIONS}/{pointer.generation}/{table}.{pointer.format}" for table in TABLES}
        if not _NAME.fullmatch(pointer.generation) or pointer.files != expected:
            raise self._foreign()
        return pointer, found[1]

    def _foreign(self) -> WarehouseTablesError:
        return WarehouseTablesError(
            f"{self.shown}: {POINTER} is not that of an export", hint="export to a prefix of its own"
        )

    def _download(self, pointer: Pointer, folder: Path) -> str | None:
        """Fetch all files; the key of one that is missing."""
        with _told():
            _empty(folder)
            for table, key in pointer.files.items():
                if not self._store.download(key, folder / f"{table}.{pointer.format}"):
                    return key
        return None

    def _upload(self, folder: Path, files: dict[str, str]) -> bool:
        """Send all files; false where a run that was first has broken it off."""
        try:
            return all(self._store.upload(key, folder / key.rpartition("/")[2]) for key in files.values())
        except StoreUnavailableError:
            # What arrived is deleted by the next run: this one would wait for nothing.
            raise
        except BaseException:
            with suppress(StoreAccessError, StoreUnavailableError):
                self._delete(files)
            raise

    def _delete(self, files: dict[str, str]) -> None:
        for key in files.values():
            self._store.delete(key)


def _empty(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the store as those of a warehouse."""
    try:
        yield
    except StoreAccessError as error:
        raise WarehouseAccessError(error.message, hint=error.hint) from error
    except StoreUnavailableError as error:
        raise WarehouseUnavailableError(error.message, hint=error.hint) from error
    except OSError as error:
        raise WarehouseAccessError(
            f"the copy that is worked on cannot be written: {error.strerror or error}",
            hint="set SEGMENTATION_SPILL_DIR to a folder with more room",
        ) from error
