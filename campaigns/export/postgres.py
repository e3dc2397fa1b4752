"""The star in PostgreSQL: one transaction, one run at a time; a run that is killed leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from campaigns.errors import StatementFailedError
from campaigns.export import binary_rows, statements, tables
from campaigns.export.contract import STAGED
from campaigns.export.history import place
from campaigns.export.outcome import Exported, Forgotten, Movement, summarised
from campaigns.export.postgres_errors import failure
from campaigns.export.star import key
from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import LiteralString

    from campaigns.export.star import Snapshot

BLOCK = 1 << 20
"""Bytes sent at once."""

_CONNECT_SECONDS = 10
_LOCK_MS = 1000


class PostgreSQL:
    """A schema of a PostgreSQL database.

    Parameters
    ----------
    url
        postgresql://user@host/database, with whatever libpq takes; passwords also from PGPASSFILE or PGPASSWORD.
    schema
        Where the tables are; made if it is not there.
    wait_seconds
        How long another run is waited for.

    Raises
    ------
    ConfigurationError
        The address cannot be understood.
    """

    def __init__(self, url: str, schema: str, wait_seconds: float) -> None:
        unclear = ConfigurationError(
            "the address of the PostgreSQL database cannot be understood",
            hint="write postgresql://user@host:5432/database; signs such as @ in a password are written %40",
        )
        try:
            parts = conninfo_to_dict(url)
        except psycopg.Error as error:
            # libpq's own words quote the address, which may hold a password.
            raise unclear from error
        if "@" in str(parts.get("host", "")):
            # To libpq a password ends with its first @; what follows would be told as the host.
            raise unclear
        self._url, self._schema = url, statements.require_schema(schema)
        self._wait_ms = round(wait_seconds * 1000)
        self.shown = f"PostgreSQL {parts.get('host', 'local')}/{parts.get('dbname', '')}, schema {schema}"

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
        WarehouseError
            It cannot be done; then all is as it was.
        """
        with self._transaction() as cursor:
            self._make_tables(cursor)
            found = place(self._run(cursor, "history", snapshot.parameters()), snapshot, self.shown)
            if found.what == "present" and found.whole in (None, self._counted(cursor)):
                return Exported("present", self._moved(cursor, snapshot))
            values = snapshot.parameters(found.number)
            snapshot.compare_with(found.previous_version)
            self._run(cursor, "staging", {})
            self._copy(cursor, "assigned", "assigned", snapshot)
            if found.what != "written":
                self._run(cursor, "undo", values)
            self._run(cursor, "segments", values)
            self._copy(cursor, "segment", f'"{self._schema}".segment', snapshot)
            self._run(cursor, "begin", values)
            # Without it the planner takes new tables for small ones, and joins millions row by row.
            cursor.execute("ANALYZE assigned")
            self._run(cursor, "compare", values)
            cursor.execute("ANALYZE compared")
            for script in ("movement", "advance"):
                self._run(cursor, script, values)
            counted = self._counted(cursor)
            if counted != snapshot.customers:
                raise StatementFailedError(
                    f"{self.shown} took {counted:,} of {snapshot.customers:,} customers",
                    hint="look for rules or triggers on its tables; nothing was changed",
                )
            done = Exported("written" if found.what == "written" else "replaced", self._moved(cursor, snapshot))
            # Behind a pooler the session goes on, and so would they.
            cursor.execute("DROP TABLE assigned, compared")
            return done

    def forget(self, ids: Path) -> Forgotten:
        """Remove customers from all of history, and their rows from the disk.

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
        with self._transaction() as cursor:
            if self._missing(cursor):
                raise tables.nothing_there(self.shown)
            cursor.execute("CREATE TEMPORARY TABLE forgotten (customer_id VARCHAR) ON COMMIT DROP")
            with ids.open("rb") as source, cursor.copy("COPY forgotten FROM STDIN (FORMAT csv)") as copy:
                while block := source.read(BLOCK):
                    copy.write(block)
            self._run(cursor, "forget", {})
            rows = cursor.rowcount
        refused = list[str | None]()
        with self._connection(autocommit=True) as cursor:
            cursor.connection.add_notice_handler(lambda told: refused.append(told.severity_nonlocalized))
            # What is deleted stays readable in the table's file until its space is reclaimed.
            cursor.execute(self._sql("VACUUM {schema}.customer_segment"))
        return Forgotten(rows, reclaimed="WARNING" not in refused)

    @contextmanager
    def _connection(self, *, autocommit: bool = False) -> Iterator[psycopg.Cursor[Any]]:
        try:
            with (
                psycopg.connect(
                    self._url, autocommit=autocommit, connect_timeout=_CONNECT_SECONDS, client_encoding="utf8"
                ) as connection,
                connection.cursor() as cursor,
            ):
                # Who has waited for another run must see what that one wrote, whatever the role's default is.
                connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
                yield cursor
        except psycopg.Error as error:
            raise failure(error, self.shown) from error

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """One transaction, in which no other run is at work in this schema."""
        with self._connection() as cursor:
            settings = {
                "application_name": "customer-segmentation",
                # 0 would be to wait for ever, for tables that somebody else has locked.
                "lock_timeout": f"{self._wait_ms or _LOCK_MS}ms",
                "timezone": "UTC",
                # A server that is busy for us must notice soon that we are gone, since it holds our lock until then.
                "client_connection_check_interval": "1s",
                "tcp_keepalives_idle": "30",
                "tcp_keepalives_interval": "10",
                "tcp_keepalives_count": "3",
            }
            for name, value in settings.items():
                # Servers before version 14 do not have them all.
                cursor.execute(
                    "SELECT set_config(name, %s, true) FROM pg_settings WHERE lower(name) = %s", [value, name]
                )
            # Our temporary tables first, whatever others of these names the role would find before them.
            cursor.execute(
                "SELECT set_config('search_path', "
                "concat_ws(', ', 'pg_temp', nullif(current_setting('search_path'), '')), true)"
            )
            if self._wait_ms:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [self._lock])
            else:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [self._lock])
                if cursor.fetchone() != (True,):
                    raise psycopg.errors.LockNotAvailable
            yield cursor

    @property
    def _lock(self) -> int:
        return key("customer-segmentation", self._schema)

    def _make_tables(self, cursor: psycopg.Cursor[Any]) -> None:
        if not self._missing(cursor):
            return
        cursor.execute("SELECT count(*) FROM information_schema.schemata WHERE schema_name = %s", [self._schema])
        if cursor.fetchone() == (0,):
            cursor.execute(self._sql("CREATE SCHEMA {schema}"))
        self._run(cursor, "tables", {})

    def _missing(self, cursor: psycopg.Cursor[Any]) -> bool:
        return tables.missing(self._run(cursor, "columns", {"schema_name": self._schema}), self._schema)

    def _counted(self, cursor: psycopg.Cursor[Any]) -> int:
        return int(self._run(cursor, "counted", {})[0][0])

    def _moved(self, cursor: psycopg.Cursor[Any], snapshot: Snapshot) -> tuple[Movement, ...]:
        return summarised(self._run(cursor, "moved", snapshot.parameters()))

    @staticmethod
    def _copy(cursor: psycopg.Cursor[Any], table: str, into: str, snapshot: Snapshot) -> None:
        columns = ", ".join(STAGED[table])
        sql: LiteralString = f"COPY {into} ({columns}) FROM STDIN (FORMAT binary)"
        with cursor.copy(sql) as copy:
            for block in binary_rows.blocks(snapshot.connection, f"SELECT {columns} FROM star_{table}"):
                copy.write(block)

    def _run(self, cursor: psycopg.Cursor[Any], script: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a script; the rows of its last statement, where it has any."""
        for statement in statements.read(script, self._schema):
            sql: LiteralString = statements.for_psycopg(statement)
            cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []

    def _sql(self, statement: str) -> LiteralString:
        return statement.replace("{schema}", f'"{self._schema}"')
