"""The star as files in a folder: every export makes a whole new generation, and one rename makes it the current one.

DIR/current -> generations/0000000007
DIR/generations/0000000007/exports.parquet             a row per export
segment.parquet             a row per model and segment
customer_segment.parquet    who was where from when to when
segment_movement.parquet    how many went from where to where since the export before
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from campaigns.database import open_database
from campaigns.errors import WarehouseAccessError, WarehouseTablesError
from campaigns.export import statements
from campaigns.export.contract import TABLES
from campaigns.export.folder_lock import only_run
from campaigns.export.history import place
from campaigns.export.outcome import Exported, Forgotten, summarised
from campaigns.export.star import literal
from campaigns.export.tables import nothing_there
from segmentation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import duckdb

    from campaigns.export.star import Snapshot
    from segmentation.settings import Settings

Format = Literal["parquet", "csv"]

CURRENT = "current"
GENERATIONS = "generations"

_ORDER = {
    "exports": "number",
    "segment": "model_version, id",
    "customer_segment": "customer, opened_by",
    "segment_movement": 'as_of, previous_as_of, model_version, "from" NULLS FIRST, "to" NULLS LAST, cause',
}

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


class Files:
    """A folder of files.

    Parameters
    ----------
    folder
        Made if it is not there; it must be local, or on a file system with locks and links.
    kind
        Of the files.
    wait_seconds
        How long another run is waited for.
    settings
        `memory_limit` and `spill_dir`.
    """

    def __init__(self, folder: Path, kind: Format, wait_seconds: float, settings: Settings) -> None:
        self._folder, self._kind, self._wait, self._settings = folder, kind, wait_seconds, settings
        self.shown = f"{kind} files in {folder}"

    def export(self, snapshot: Snapshot, folder: Path) -> Exported:
        """Write an export.

        Parameters
        ----------
        snapshot
            What to write.
        folder
            Not needed here.

        Returns
        -------
        Exported
            What was done.

        Raises
        ------
        WarehouseError, InputError
            It cannot be done; then all is as it was.
        """
        connection = snapshot.connection
        with self._alone():
            self._refuse_another_kind()
            self._open_star(connection)
            found = place(_run(connection, "history", snapshot.parameters()), snapshot, self.shown)
            if found.what == "present" and found.whole in (None, _run(connection, "counted", {})[0][0]):
                return Exported("present", summarised(_run(connection, "moved", snapshot.parameters())))
            snapshot.compare_with(found.previous_version)
            connection.execute("CREATE TEMPORARY VIEW assigned AS SELECT * FROM star_assigned")
            values = snapshot.parameters(found.number)
            if found.what != "written":
                self._undo(connection, values)
            _run(connection, "segments", values)
            connection.execute("INSERT INTO star.segment SELECT * FROM star_segment")
            for script in ("begin", "compare", "movement"):
                _run(connection, script, values)
            with self._generation() as new:
                self._write(connection, statements.bound(_ADVANCED, values), "customer_segment", new)
                for table in ("exports", "segment", "segment_movement"):
                    self._write(connection, f"SELECT * FROM star.{table}", table, new)
            moved = summarised(_run(connection, "moved", values))
        return Exported("written" if found.what == "written" else "replaced", moved)

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
        if kind_of(self._folder) is None:
            raise nothing_there(self.shown)
        with self._alone(), open_database(self._settings) as (connection, _):
            self._refuse_another_kind()
            connection.execute(
                "CREATE TABLE forgotten AS SELECT DISTINCT customer_id FROM "
                f"read_csv({literal(str(ids))}, header = false, columns = {{'customer_id': 'VARCHAR'}})"
            )
            self._open_star(connection)
            counting, _deleting = statements.read("forget", "star")
            ((rows,),) = connection.execute(
                "SELECT count(*) FROM star.customer_segment WHERE customer IN (SELECT customer_id FROM forgotten)"
            ).fetchall()
            connection.execute(counting)
            kept = "SELECT * FROM star.customer_segment WHERE customer NOT IN (SELECT customer_id FROM forgotten)"
            with self._generation() as new:
                self._write(connection, kept, "customer_segment", new)
                for table in ("exports", "segment", "segment_movement"):
                    self._write(connection, f"SELECT * FROM star.{table}", table, new)
            self._drop_generations(but=1)
        return Forgotten(int(rows))

    @property
    def _present(self) -> Path:
        return self._folder / CURRENT

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with only_run(self._folder / ".lock", self._wait, self.shown):
                yield
        except OSError as error:
            raise WarehouseAccessError(
                f"{self.shown}: {error.strerror or error}", hint="give a local folder that can be written to, with room"
            ) from error

    def _refuse_another_kind(self) -> None:
        kind = kind_of(self._folder)
        if kind not in (None, self._kind):
            raise InputError(
                f"{self._folder} holds {kind} files, and {self._kind} was asked for",
                hint="leave out --format, or export to another folder",
            )
        if self._present.exists() and not all(self._file(self._present, table).is_file() for table in TABLES):
            raise WarehouseTablesError(
                f"{self._present} is not a folder of an export", hint="export to a folder of its own"
            )

    @contextmanager
    def _generation(self) -> Iterator[Path]:
        """A new generation that becomes the current one when all is well."""
        live = self._live()
        new = self._folder / GENERATIONS / f"{live + 1:010d}"
        # A run that was killed may have left one.
        shutil.rmtree(new, ignore_errors=True)
        try:
            new.mkdir(parents=True)
            yield new
            pointer = self._folder / ".current"
            pointer.unlink(missing_ok=True)
            pointer.symlink_to(Path(GENERATIONS, new.name))
            pointer.replace(self._present)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        # Whoever reads the one before may finish.
        self._drop_generations(but=2)

    def _live(self) -> int:
        return int(self._present.readlink().name) if self._present.is_symlink() else 0

    def _drop_generations(self, but: int) -> None:
        live = self._live()
        for path in sorted((self._folder / GENERATIONS).iterdir()):
            if not live - but < int(path.name) <= live:
                shutil.rmtree(path)

    def _open_star(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Tables of the current generation, empty ones where there is none; the one of customers is only looked at."""
        connection.execute("CREATE SCHEMA star")
        for table, statement in zip(TABLES, statements.read("tables", "star"), strict=True):
            if not self._present.exists() or table != "customer_segment":
                connection.execute(statement)
            if self._present.exists():
                making = "CREATE VIEW star.{} AS" if table == "customer_segment" else "INSERT INTO star.{}"
                connection.execute(f"{making.format(table)} SELECT * FROM {self._reader(table)}")

    def _undo(self, connection: duckdb.DuckDBPyConnection, values: Mapping[str, str | int]) -> None:
        movement, _opened, _closed, export = statements.read("undo", "star")
        for statement in (movement, export):
            connection.execute(statements.bound(statement, values))
        undone = statements.bound(_UNDONE, values).format(source=self._reader("customer_segment"))
        connection.execute(f"CREATE OR REPLACE VIEW star.customer_segment AS {undone}")

    def _write(self, connection: duckdb.DuckDBPyConnection, select: str, table: str, generation: Path) -> None:
        form = "FORMAT parquet, COMPRESSION zstd" if self._kind == "parquet" else "FORMAT csv, HEADER"
        file = self._file(generation, table)
        connection.execute(f"COPY ({select} ORDER BY {_ORDER[table]}) TO {literal(str(file))} ({form})")

    def _reader(self, table: str) -> str:
        file = literal(str(self._file(self._present, table)))
        if self._kind == "parquet":
            return f"read_parquet({file})"
        columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in TABLES[table].items())
        return f"read_csv({file}, header = true, columns = {{{columns}}})"

    def _file(self, generation: Path, table: str) -> Path:
        return generation / f"{table}.{self._kind}"


def kind_of(folder: Path) -> Format | None:
    """Of which kind the files of a folder are.

    Parameters
    ----------
    folder
        As given to `Files`.

    Returns
    -------
    str or None
        None where there are none.
    """
    there = [kind for kind in ("parquet", "csv") if (folder / CURRENT / f"exports.{kind}").exists()]
    return None if not there else "parquet" if "parquet" in there else "csv"


def _run(
    connection: duckdb.DuckDBPyConnection, script: str, values: Mapping[str, str | int]
) -> Sequence[Sequence[Any]]:
    """Run a script; the rows of its last statement."""
    for statement in statements.read(script, "star"):
        connection.execute(statements.bound(statement, values))
    return connection.fetchall()
