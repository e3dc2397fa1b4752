"""The star as files, in a folder or a bucket: every export makes a whole new generation out of the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from campaigns.database import open_database
from campaigns.export import star_files, statements
from campaigns.export.contract import TABLES
from campaigns.export.history import place
from campaigns.export.outcome import Exported, Forgotten, summarised
from campaigns.export.tables import nothing_there
from campaigns.ids import written_ids
from segmentation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import duckdb

    from campaigns.export.generations import Format, Generation, Generations
    from campaigns.export.star import Snapshot
    from segmentation.settings import Settings

T = TypeVar("T")

# Whole tables are written anew, so that what a database updates is chosen here row by row as it passes through.
_ADVANCED = """
SELECT
    past.customer,
    past.segment,
    CASE WHEN compared.stays = 1 THEN compared.confidence ELSE past.confidence END AS confidence,
    past.model_version,
    past.valid_from,
    CASE WHEN compared.stays = 0 THEN CAST(:as_of AS TIMESTAMP WITH TIME ZONE) ELSE past.valid_to END AS valid_to,
    past.opened_by,
    CASE WHEN compared.stays = 0 THEN :number ELSE past.closed_by END AS closed_by
FROM star.customer_segment past
LEFT JOIN compared ON past.valid_to IS NULL AND compared.customer = past.customer
UNION ALL
SELECT customer, to_segment, confidence, :model_version, CAST(:as_of AS TIMESTAMP WITH TIME ZONE), NULL, :number, NULL
FROM compared
WHERE stays = 0 AND to_segment IS NOT NULL
"""

_UNDONE = """
SELECT * REPLACE (
    CASE WHEN closed_by = :number THEN NULL ELSE valid_to END AS valid_to,
    CASE WHEN closed_by = :number THEN NULL ELSE closed_by END AS closed_by
)
FROM {source}
WHERE opened_by <> :number
"""

_FORGOTTEN = "customer IN (SELECT customer_id FROM forgotten)"


class Files:
    """Files.

    Parameters
    ----------
    generations
        Where they are.
    kind
        Of the files; None: those that are there, or else Parquet.
    settings
        `memory_limit` and `spill_dir`.
    """

    def __init__(self, generations: Generations, kind: Format | None, settings: Settings) -> None:
        self._generations, self._kind, self._settings = generations, kind, settings
        self.shown = generations.shown

    def export(self, snapshot: Snapshot, folder: Path) -> Exported:
        """Write an export.

        Parameters
        ----------
        snapshot
            What to write.
        folder
            For temporary files.

        Returns
        -------
        Exported
            What was done.

        Raises
        ------
        WarehouseError, InputError
            It cannot be done; then all is as it was.
        """

        def advance(current: Generation | None) -> tuple[Exported, dict[str, str]]:
            return self._advanced(snapshot, current)

        with self._generations.alone(begin=True):
            done = self._change(snapshot.connection, folder, advance)
            self._generations.sweep(keep_previous=True)
        return done

    def forget(self, ids: Path) -> Forgotten:
        """Remove customers from all of history, and the generations that had them.

        Parameters
        ----------
        ids
            CSV, one quoted id per line.

        Returns
        -------
        Forgotten
            How many rows there were.

        Raises
        ------
        WarehouseError
            It cannot be done; then all is as it was.
        """
        with open_database(self._settings) as (connection, folder):
            connection.execute(f"CREATE TABLE forgotten AS SELECT DISTINCT customer_id FROM {written_ids(ids)}")

            def leave_out(current: Generation | None) -> tuple[Forgotten, dict[str, str]]:
                return self._left_out(connection, current)

            with self._generations.alone(begin=False):
                done = self._change(connection, folder, leave_out)
                # A run of before, that was killed here, may have left those who are no longer in the current one.
                self._generations.sweep(keep_previous=False)
        return done

    def _change(
        self,
        connection: duckdb.DuckDBPyConnection,
        scratch: Path,
        work: Callable[[Generation | None], tuple[T, Mapping[str, str]]],
    ) -> T:
        """Do some work on the current generation, again and again if need be, until its outcome is the next one."""
        while True:
            current = self._generations.current(scratch)
            kind = self._wanted(current)
            star_files.read(connection, current, self.shown)
            with star_files.as_written(self.shown):
                done, selects = work(current)
            if not selects:
                return done
            with self._generations.new(current, scratch) as folder:
                with star_files.as_written(self.shown):
                    star_files.write(connection, selects, folder, kind, self.shown)
                if self._generations.publish(folder, kind, current):
                    return done

    def _wanted(self, current: Generation | None) -> Format:
        if current is None:
            return self._kind or "parquet"
        if self._kind not in (None, current.kind):
            raise InputError(
                f"{self.shown} are {current.kind}, and {self._kind} was asked for",
                hint="leave out --format, or export to another place",
            )
        return current.kind

    def _advanced(self, snapshot: Snapshot, current: Generation | None) -> tuple[Exported, dict[str, str]]:
        connection = snapshot.connection
        found = place(_run(connection, "history", snapshot.parameters()), snapshot, self.shown)
        if found.what == "present" and found.whole in (None, _run(connection, "counted", {})[0][0]):
            return Exported("present", summarised(_run(connection, "moved", snapshot.parameters()))), {}
        snapshot.compare_with(found.previous_version)
        connection.execute("CREATE OR REPLACE TEMPORARY VIEW assigned AS SELECT * FROM star_assigned")
        values = snapshot.parameters(found.number)
        if current is not None and found.what != "written":
            _undo(connection, current, values)
        _run(connection, "segments", values)
        connection.execute("INSERT INTO star.segment SELECT * FROM star_segment")
        # An attempt that came second has left one.
        connection.execute("DROP TABLE IF EXISTS compared")
        for script in ("begin", "compare", "movement"):
            _run(connection, script, values)
        moved = summarised(_run(connection, "moved", values))
        done = Exported("written" if found.what == "written" else "replaced", moved)
        return done, _whole(statements.bound(_ADVANCED, values))

    def _left_out(
        self, connection: duckdb.DuckDBPyConnection, current: Generation | None
    ) -> tuple[Forgotten, dict[str, str]]:
        if current is None:
            raise nothing_there(self.shown)
        ((rows,),) = connection.execute(f"SELECT count(*) FROM star.customer_segment WHERE {_FORGOTTEN}").fetchall()
        if not rows:
            return Forgotten(0), {}
        counting, _deleting = statements.read("forget", "star")
        connection.execute(counting)
        return Forgotten(int(rows)), _whole(f"SELECT * FROM star.customer_segment WHERE NOT {_FORGOTTEN}")


def _undo(connection: duckdb.DuckDBPyConnection, current: Generation, values: Mapping[str, str | int]) -> None:
    movement, _opened, _closed, export = statements.read("undo", "star")
    for statement in (movement, export):
        connection.execute(statements.bound(statement, values))
    undone = statements.bound(_UNDONE, values).format(source=star_files.source(current, "customer_segment"))
    connection.execute(f"CREATE OR REPLACE VIEW star.customer_segment AS {undone}")


def _whole(customers: str) -> dict[str, str]:
    """Queries of all tables."""
    return {
        table: customers if table == "customer_segment" else f"SELECT * FROM star.{table}"
        for table in ("customer_segment", *(table for table in TABLES if table != "customer_segment"))
    }


def _run(
    connection: duckdb.DuckDBPyConnection, script: str, values: Mapping[str, str | int]
) -> Sequence[Sequence[Any]]:
    """Run a script; the rows of its last statement."""
    for statement in statements.read(script, "star"):
        connection.execute(statements.bound(statement, values))
    return connection.fetchall()
