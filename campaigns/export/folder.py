"""Generations in a folder: a lock keeps other runs out, and one rename makes a generation the current one.

DIR/current -> generations/0000000007
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from campaigns.errors import WarehouseAccessError, WarehouseTablesError
from campaigns.export.folder_lock import only_run
from campaigns.export.generations import CURRENT, FORMATS, GENERATIONS, Generation
from campaigns.export.tables import nothing_there

if TYPE_CHECKING:
    from campaigns.export.generations import Format


class Folder:
    """A folder.

    Parameters
    ----------
    path
        Made if it is not there; it must be local, or on a file system with locks and links.
    wait_seconds
        How long another run is waited for.
    """

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self._path, self._wait = path, wait_seconds
        self.shown = f"files in {path}"

    @contextmanager
    def alone(self, *, begin: bool) -> Iterator[None]:
        """See `Generations.alone`."""
        if not begin and not (self._path / CURRENT).exists():
            raise nothing_there(self.shown)
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with only_run(self._path / ".lock", self._wait, self.shown):
                yield
        except OSError as error:
            raise WarehouseAccessError(
                f"{self.shown}: {error.strerror or error}", hint="give a local folder that can be written to, with room"
            ) from error

    def current(self, scratch: Path) -> Generation | None:
        """See `Generations.current`."""
        present, number = self._path / CURRENT, self._number()
        if not number:
            return None
        there = [kind for kind in FORMATS if (present / f"exports.{kind}").exists()]
        if not there:
            raise self._foreign()
        return Generation(number, there[0], present)

    @contextmanager
    def new(self, before: Generation | None, scratch: Path) -> Iterator[Path]:
        """See `Generations.new`."""
        folder = self._path / GENERATIONS / f"{self._number() + 1:010d}"
        # A run that was killed may have left one.
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True)
            yield folder
        finally:
            if self._number() != int(folder.name):
                shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, kind: Format, before: Generation | None) -> bool:
        """See `Generations.publish`."""
        pointer = self._path / ".current"
        pointer.unlink(missing_ok=True)
        pointer.symlink_to(Path(GENERATIONS, folder.name))
        pointer.replace(self._path / CURRENT)
        return True

    def sweep(self, *, keep_previous: bool) -> None:
        """See `Generations.sweep`."""
        live = self._number()
        for path in sorted((self._path / GENERATIONS).iterdir()):
            if path.name.isdecimal() and not live - keep_previous <= int(path.name) <= live:
                shutil.rmtree(path)

    def _number(self) -> int:
        """0 where nothing is current."""
        present = self._path / CURRENT
        if not present.is_symlink():
            if present.exists():
                raise self._foreign()
            return 0
        leads = present.readlink()
        if leads.parent.name != GENERATIONS or not leads.name.isdecimal():
            raise self._foreign()
        return int(leads.name)

    def _foreign(self) -> WarehouseTablesError:
        return WarehouseTablesError(
            f"{self.shown}: {CURRENT} is not that of an export", hint="export to a folder of its own"
        )
