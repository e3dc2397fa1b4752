"""The DuckDB that the job works in: on a temporary file, with a memory limit, so that data may outgrow memory."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from segmentation.errors import ConfigurationError
from segmentation.settings import Settings

CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container finds its own memory limit."""


@contextmanager
def open_database(settings: Settings) -> Iterator[Backend]:
    """Open an empty database that is gone afterwards.

    Parameters
    ----------
    settings
        `memory_limit` and `spill_dir`.

    Yields
    ------
    Backend
        Ibis' DuckDB backend; `raw_sql` takes SQL.

    Raises
    ------
    ConfigurationError
        The limit is not a size, or the folder cannot be written to.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="segmentation-", dir=settings.spill_dir or None)
    except OSError as error:
        raise ConfigurationError(
            f"the spill folder {settings.spill_dir} cannot be used: {error.strerror}",
            hint="set SEGMENTATION_SPILL_DIR to a folder with room",
        ) from error
    with folder as path:
        try:
            database = ibis.duckdb.connect(
                Path(path) / "work.duckdb",
                memory_limit=settings.memory_limit or f"{memory() // 2 // 2**20}MiB",
                temp_directory=str(Path(path) / "spill"),
                autoinstall_known_extensions=False,
            )
        except duckdb.Error as error:
            raise ConfigurationError(
                f"the work database cannot be opened: {str(error).splitlines()[0]}",
                hint="SEGMENTATION_MEMORY_LIMIT takes a size such as 2GB",
            ) from error
        database.raw_sql("SET TimeZone = 'UTC'")
        try:
            yield database
        finally:
            database.disconnect()


def memory() -> int:
    """How much memory there is: the container's limit, or what the machine has where that is less.

    Returns
    -------
    int
        Bytes.

    References
    ----------
    Linux, "Control Group v2", memory.max; "Memory Resource Controller", memory.limit_in_bytes.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in CGROUP:
        # "max" in version 2; in version 1 no limit is a number larger than any memory.
        text = file.read_text(encoding="ascii").strip() if file.is_file() else "max"
        limits += [int(text)] if text.isdigit() else []
    return min(limits)


def first_row(database: Backend, sql: str) -> tuple[Any, ...]:
    """The first row of a query's answer.

    Parameters
    ----------
    database
        Where to run it.
    sql
        A SELECT of few rows.

    Returns
    -------
    tuple
        Empty where the answer has no row.
    """
    # All rows are fetched: an unfinished result would block the connection.
    rows: list[tuple[Any, ...]] = database.raw_sql(sql).fetchall()
    return rows[0] if rows else ()
