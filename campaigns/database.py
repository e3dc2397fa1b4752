"""The DuckDB that a command of campaigns works in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from segmentation.workspace import open_workspace, unopened

if TYPE_CHECKING:
    from pathlib import Path

    from segmentation.settings import Settings


@contextmanager
def open_database(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Open an empty database, in UTC, that spills to disk.

    Parameters
    ----------
    settings
        `memory_limit` and `spill_dir`.

    Yields
    ------
    DuckDBPyConnection
        Closed afterwards.
    Path
        A folder for temporary files; gone afterwards.

    Raises
    ------
    ConfigurationError
        The settings cannot be used.
    """
    with open_workspace(settings) as space:
        try:
            connection = duckdb.connect(
                str(space.file),
                config={
                    "memory_limit": space.memory_limit,
                    "temp_directory": str(space.spill),
                    "autoinstall_known_extensions": "false",
                },
            )
        except duckdb.Error as error:
            raise unopened(error) from error
        with connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection, space.folder
