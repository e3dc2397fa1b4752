"""The star as files in a folder: every export makes a whole new generation, and one rename makes it the current one.

    DIR/current -> generations/0000000007
    DIR/generations/0000000007/snapshots/<snapshot_key>.parquet      one row
                               segments/<model_version>.parquet      a row per segment
                               assignments/<snapshot_key>.parquet    a row per customer
                               movements/<snapshot_key>.parquet      what the view of that name has in a database

What did not change is a hard link to the generation before, and takes no room.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from campaigns.database import open_database
from campaigns.export import statements
from campaigns.export.folder_lock import only_run
from campaigns.export.outcome import VIEW, Exported, Forgotten, summarised
from campaigns.export.star import TABLES, literal
from campaigns.export.tables import nothing_there
from segmentation.errors import InputError, WarehouseAccessError, WarehouseTablesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from campaigns.export.star import Snapshot
    from segmentation.settings import Settings

Format = Literal["parquet", "csv"]

CURRENT = "current"
GENERATIONS = "generations"

_ORDER = {"assignments": "customer_id", "segments": "segment_id", "snapshots": "snapshot_key", VIEW: "customer_id"}


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
        """Write a snapshot.

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
        connection, named = snapshot.connection, f"{snapshot.key}.{self._kind}"
        with self._alone():
            self._refuse_another_kind()
            here = self._present / "snapshots" / named
            there = connection.execute(f"SELECT content FROM {self._reader('snapshots', [here])}").fetchone() \
                if here.exists() else None  # fmt: skip
            if there == (snapshot.content,):
                self._open_star(connection, self._present, snapshot.key)
                return Exported("present", *summarised(self._moved(connection, snapshot.key)))
            with self._generation() as new:
                self._write(connection, "SELECT * FROM star_snapshots", "snapshots", new / "snapshots" / named)
                segments = new / "segments" / f"{snapshot.model_version}.{self._kind}"
                self._write(connection, "SELECT * FROM star_segments", "segments", segments)
                self._write(connection, "SELECT * FROM star_assignments", "assignments", new / "assignments" / named)
                following = self._open_star(connection, new, snapshot.key)
                for key in (snapshot.key, *following):
                    self._write_movements(connection, new, key)
                moved = summarised(self._moved(connection, snapshot.key))
        return Exported("replaced" if there else "written", *moved)

    def forget(self, ids: Path) -> Forgotten:
        """Remove customers from all snapshots, and the generations that had them.

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
            rows = 0
            with self._generation() as new:
                for table in ("assignments", VIEW):
                    for file in sorted((new / table).iterdir()):
                        gone = self._forget_in(connection, table, file)
                        if gone and table == "assignments":
                            rows += gone
                            self._recount(connection, new / "snapshots" / file.name, gone)
            self._drop_generations(but=1)
        return Forgotten(rows)

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
        if self._present.exists() and not (self._present / "snapshots").is_dir():
            raise WarehouseTablesError(
                f"{self._present} is not a folder of an export", hint="export to a folder of its own"
            )
        kind = kind_of(self._folder)
        if kind not in (None, self._kind):
            raise InputError(
                f"{self._folder} holds {kind} files, and {self._kind} was asked for",
                hint="leave out --format, or export to another folder",
            )

    @contextmanager
    def _generation(self) -> Iterator[Path]:
        """A copy of the current generation that becomes the current one when all is well."""
        live = self._live()
        new = self._folder / GENERATIONS / f"{live + 1:010d}"
        # A run that was killed may have left one.
        shutil.rmtree(new, ignore_errors=True)
        try:
            for table in (*TABLES, VIEW):
                (new / table).mkdir(parents=True)
                for file in sorted((self._present / table).glob("*")):
                    _link(file, new / table / file.name)
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

    def _open_star(self, connection: duckdb.DuckDBPyConnection, generation: Path, key: int) -> list[int]:
        """Make the tables, and the view over them, of a snapshot and its neighbours; the keys of those after it."""
        connection.execute("CREATE SCHEMA star")
        every = sorted((generation / "snapshots").iterdir())
        connection.execute(f"CREATE TABLE star.snapshots AS SELECT * FROM {self._reader('snapshots', every)}")
        ordered = [
            row[0]
            for row in connection.execute(
                "SELECT snapshot_key FROM star.snapshots ORDER BY as_of, model_version"
            ).fetchall()
        ]
        at = ordered.index(key)
        near = ordered[max(at - 1, 0) : at + 2]
        files = [generation / "assignments" / f"{one}.{self._kind}" for one in near]
        connection.execute(f"CREATE VIEW star.assignments AS SELECT * FROM {self._reader('assignments', files)}")
        for statement in statements.read(VIEW, "star"):
            connection.execute(statement)
        return ordered[at + 1 : at + 2]

    def _write_movements(self, connection: duckdb.DuckDBPyConnection, generation: Path, key: int) -> None:
        select = f"SELECT * FROM star.{VIEW} WHERE snapshot_key = {key}"
        self._write(connection, select, VIEW, generation / VIEW / f"{key}.{self._kind}")

    @staticmethod
    def _moved(connection: duckdb.DuckDBPyConnection, key: int) -> Sequence[Sequence[object]]:
        (statement,) = statements.read("moved", "star")
        return connection.execute(statement.replace(":snapshot_key", str(key))).fetchall()

    def _forget_in(self, connection: duckdb.DuckDBPyConnection, table: str, file: Path) -> int:
        source = self._reader(table, [file])
        row = connection.execute(f"SELECT count(*) FROM {source} SEMI JOIN forgotten USING (customer_id)").fetchone()
        gone = int(row[0]) if row else 0
        if gone:
            self._write(connection, f"SELECT * FROM {source} ANTI JOIN forgotten USING (customer_id)", table, file)
        return gone

    def _recount(self, connection: duckdb.DuckDBPyConnection, file: Path, gone: int) -> None:
        source = self._reader("snapshots", [file])
        select = f"SELECT * REPLACE (customers - {gone} AS customers) FROM {source}"
        self._write(connection, select, "snapshots", file)

    def _write(self, connection: duckdb.DuckDBPyConnection, select: str, table: str, file: Path) -> None:
        """Write a file beside and rename it: what is there may be the same file as in another generation."""
        unfinished = file.with_name(f".{file.name}")
        form = "FORMAT parquet, COMPRESSION zstd" if self._kind == "parquet" else "FORMAT csv, HEADER"
        connection.execute(f"COPY ({select} ORDER BY {_ORDER[table]}) TO {literal(str(unfinished))} ({form})")
        unfinished.replace(file)

    def _reader(self, table: str, files: Sequence[Path]) -> str:
        names = "[" + ", ".join(literal(str(file)) for file in files) + "]"
        if self._kind == "parquet":
            return f"read_parquet({names})"
        types = {**TABLES, VIEW: _MOVEMENTS}[table]
        columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items())
        return f"read_csv({names}, header = true, columns = {{{columns}}})"


_MOVEMENTS = {
    "snapshot_key": "BIGINT",
    "as_of": "TIMESTAMP WITH TIME ZONE",
    "previous_as_of": "TIMESTAMP WITH TIME ZONE",
    "model_changed": "BOOLEAN",
    "customer_id": "VARCHAR",
    "previous_segment_id": "INTEGER",
    "segment_id": "INTEGER",
    "movement": "VARCHAR",
}


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
    suffixes = {path.suffix[1:] for path in (folder / CURRENT / "snapshots").glob("*")}
    return "parquet" if "parquet" in suffixes else "csv" if "csv" in suffixes else None


def _link(file: Path, to: Path) -> None:
    try:
        to.hardlink_to(file)
    except OSError:
        # Some file systems have no hard links.
        shutil.copy2(file, to)
