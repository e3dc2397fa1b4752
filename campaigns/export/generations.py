"""Generations of files: each holds the whole star, one of them is current, and becomes so in one step."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path

Format = Literal["parquet", "csv"]

FORMATS: tuple[Format, ...] = ("parquet", "csv")

CURRENT = "current"
GENERATIONS = "generations"


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation that can be read on this machine.

    Parameters
    ----------
    number
        From 1; each is made from the one before it.
    kind
        Of its files.
    folder
        Where they are.
    name, tag
        What a bucket knows it by; the tag changes with whatever becomes current.
    """

    number: int
    kind: Format
    folder: Path
    name: str = ""
    tag: str = ""


class Generations(Protocol):
    """A place that holds generations."""

    @property
    def shown(self) -> str:
        """Where it is, for people."""

    def alone(self, *, begin: bool) -> AbstractContextManager[None]:
        """Do something here; where the place can keep other runs out for so long, it does.

        Parameters
        ----------
        begin
            Make the place where it is not there.

        Raises
        ------
        WarehouseBusyError
            Another run was at work all the time that is waited for.
        WarehouseTablesError
            It is not there.
        """

    def current(self, scratch: Path) -> Generation | None:
        """The current generation, brought here where it is elsewhere; None where there is none.

        Raises
        ------
        WarehouseError
            It cannot be read, or is not one.
        """

    def new(self, before: Generation | None, scratch: Path) -> AbstractContextManager[Path]:
        """A folder to write the next generation into; what is not published of it is gone afterwards."""

    def publish(self, folder: Path, kind: Format, before: Generation | None) -> bool:
        """Make what is in the folder of `new` the current generation; false where another run was first.

        Raises
        ------
        WarehouseBusyError
            Others were first all the time that is waited for.
        WarehouseError
            It cannot be done; then all is as it was.
        """

    def sweep(self, *, keep_previous: bool) -> None:
        """Delete generations that are no longer current, and what killed runs left.

        Parameters
        ----------
        keep_previous
            Leave the one before the current one, for whoever is reading it.
        """
