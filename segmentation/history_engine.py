"""DuckDB at work for `HistoryQuery`: loaded by whoever runs a query, which most processes that serve never do.

It runs in memory on one thread, with a memory limit and a time limit, without access to files, the network or
extensions, and with its configuration locked.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from queue import LifoQueue
from typing import Any

import duckdb
import msgspec
import numpy as np

from segmentation.errors import InconsistentModelError, InvalidFieldError, QueryLimitError
from segmentation.histories import History
from segmentation.scoring import Floats
from segmentation.tables import AS_OF, Table, create_table_sql

MEMORY_LIMIT = "256MB"
TIME_LIMIT_SECONDS = 10.0
CONNECTIONS = 4
LARGE = 10_000
"""Rows above which queries wait for each other: the memory is enough for one of them beside small ones."""


class Engine:
    """A query in a DuckDB of its own.

    Parameters
    ----------
    table, sql, features
        See `HistoryQuery`.

    Raises
    ------
    InconsistentModelError
        The SQL is not one SELECT over the table that gives the model's features.
    """

    def __init__(self, table: Table, sql: str, features: Sequence[str]) -> None:
        self._table = table
        self._sql = sql
        self._insert = _insert_sql(table)
        self._features = tuple(features)
        _refuse_all_but_one_select(sql)
        self._large = threading.Lock()
        self._connections = self._open()

    def close(self) -> None:
        """Give back what it took; not while `run` is under way."""
        while not self._connections.empty():
            self._connections.get().close()

    def run(self, histories: Sequence[History]) -> tuple[list[int], Floats]:
        """See `HistoryQuery.run`."""
        document = msgspec.json.encode(histories).decode()
        lines = sum(len(history.rows) for history in histories)
        with self._large if lines > LARGE else nullcontext():
            connection = self._connections.get()
            try:
                found = self._run(connection, document)
            finally:
                self._connections.put(connection)
        positions = [int(customer) for customer in found["customer_id"]]
        columns = [np.ma.filled(np.ma.asarray(found[name], dtype=np.float64), np.nan) for name in self._features]
        return positions, np.column_stack(columns) if positions else np.empty((0, len(self._features)))

    def _run(self, connection: duckdb.DuckDBPyConnection, document: str) -> dict[str, Any]:
        # Rolled back always: quicker than emptying the table, and nobody's orders stay behind.
        connection.execute("BEGIN")
        try:
            with _time_limit(connection):
                connection.execute(self._insert, [document])
                found: dict[str, Any] = connection.execute("EXECUTE features").fetchnumpy()
        except duckdb.InterruptException as error:
            raise QueryLimitError(
                f"features were not computed within {TIME_LIMIT_SECONDS:g} s", hint="send fewer rows at once"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise QueryLimitError("the rows need more memory than there is", hint="send fewer at once") from error
        except duckdb.DataError as error:
            # DuckDB's own words may quote a value.
            raise InvalidFieldError(
                "the rows hold numbers that cannot be added up", hint="check the numbers", pointer=""
            ) from error
        except duckdb.Error as error:
            # It ran when the model proved itself, or is just doing so: it is the SQL that is strange.
            raise InconsistentModelError(
                f"features.sql fails: {type(error).__name__}", hint="publish the model again"
            ) from error
        finally:
            connection.execute("ROLLBACK")
        return found

    def _open(self) -> LifoQueue[duckdb.DuckDBPyConnection]:
        database = duckdb.connect(
            ":memory:",
            config={
                "threads": 1,
                "memory_limit": MEMORY_LIMIT,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "temp_directory": "",
            },
        )
        database.execute(create_table_sql(self._table))
        database.execute("SET enable_external_access = false")
        # As many as a worker has threads, so that one customer does not wait for a batch of thousands. They share the
        # table and see only their own rows in it, because no transaction is ever committed.
        connections: LifoQueue[duckdb.DuckDBPyConnection] = LifoQueue()
        for _ in range(CONNECTIONS):
            connections.put(self._prepared(database.cursor(), self._sql))
        database.execute("SET lock_configuration = true")
        return connections

    def _prepared(self, connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
        # On a few rows the optimizer costs more than it saves: 6.5 ms a query against 1.1 without it.
        connection.execute("PRAGMA disable_optimizer")
        connection.execute("SET TimeZone = 'UTC'")
        try:
            # Without a row as well: a query can be endless of itself.
            with _time_limit(connection):
                connection.execute(f"PREPARE features AS {sql}")
                columns = [column[0] for column in connection.execute("EXECUTE features").description or ()]
        except duckdb.InterruptException as error:
            raise InconsistentModelError(
                f"features.sql does not end within {TIME_LIMIT_SECONDS:g} s on no rows", hint="publish the model again"
            ) from error
        except duckdb.Error as error:
            raise InconsistentModelError(
                f"features.sql cannot be run: {_first_line(error)}", hint="publish the model again"
            ) from error
        if columns != ["customer_id", *self._features]:
            raise InconsistentModelError(
                "features.sql does not give the features that the card names", hint="publish the model again"
            )
        return connection


@contextmanager
def _time_limit(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    timer = threading.Timer(TIME_LIMIT_SECONDS, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _refuse_all_but_one_select(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise InconsistentModelError(
            f"features.sql cannot be run: {_first_line(error)}", hint="publish the model again"
        ) from error
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise InconsistentModelError("features.sql is not one SELECT", hint="publish the model again")


def _insert_sql(table: Table) -> str:
    """Unpack customers and their rows from one JSON document: no per-row work in Python."""
    line = {column.name: column.sql_type for column in table.columns if column.name != "customer_id"}
    structure = msgspec.json.encode([{"customer": "BIGINT", "as_of": AS_OF.sql_type, "rows": [line]}]).decode()
    # Zero-padded, so that the ids sort as the numbers do.
    known = {"customer_id": "printf('%012d', customer)", AS_OF.name: AS_OF.name}
    columns = ", ".join(known.get(column.name, f'line."{column.name}"') for column in (*table.columns, AS_OF))
    return (
        f"INSERT INTO {table.name} SELECT {columns} FROM ("
        "SELECT customer.customer AS customer, customer.as_of AS as_of, unnest(customer.rows) AS line FROM ("
        f"SELECT unnest(from_json_strict($1, '{structure}')) AS customer))"
    )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
