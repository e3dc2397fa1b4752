"""Raw orders or events to features with the SQL that travels with a model: by construction the code of training.

DuckDB runs it in memory on one thread, with a memory limit and a time limit, without access to files, the network or
extensions, and with its configuration locked.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import cache
from queue import LifoQueue
from typing import Annotated, Any, ClassVar

import duckdb
import msgspec
import numpy as np

from segmentation.errors import InconsistentModelError, InvalidFieldError, QueryLimitError
from segmentation.scoring import Floats
from segmentation.tables import AS_OF, Column, Table, create_table_sql

MEMORY_LIMIT = "256MB"
TIME_LIMIT_SECONDS = 10.0
CONNECTIONS = 4
LARGE = 10_000
"""Rows above which queries wait for each other: the memory is enough for one of them beside small ones."""

Moment = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A date and time as RFC 3339 writes it; without an offset it is UTC."""

_TYPES: dict[str, Any] = {"text": str, "time": Moment, "integer": int}


def _field(column: Column) -> Any:
    limits = (
        {"ge": column.valid.low, "le": column.valid.high}
        if column.valid
        else {"min_length": 1, "max_length": 512}
        if column.kind == "text"
        else {}
    )
    plain: Any = _TYPES.get(column.kind, float)
    kind: Any = Annotated[plain, msgspec.Meta(**limits)]
    return (column.name, kind) if column.required else (column.name, kind | None, None)


@cache
def row_type(table: Table) -> Any:
    """A row of a canonical table as a client sends it: without customer_id; what is unknown is left out or null.

    Parameters
    ----------
    table
        Which canonical table.

    Returns
    -------
    type
        A msgspec Struct.
    """
    return msgspec.defstruct(
        f"{table.name.capitalize()}Row",
        [_field(column) for column in table.columns if column.name != "customer_id"],
        kw_only=True,
        forbid_unknown_fields=True,
    )


class History(msgspec.Struct):
    """One customer's rows and the moment they are looked at from.

    Moments must be in UTC: DuckDB's TIMESTAMP drops the offset of 10:00+02:00 and keeps the 10.
    """

    customer: int
    as_of: datetime
    rows: Sequence[Any]


class HistoryQuery:
    """A model's feature definition, ready to run on raw orders or events.

    Parameters
    ----------
    table
        The canonical table that it reads.
    sql
        Content of `features.sql`.
    features
        Names of the model's features; the query's columns after customer_id must be these.

    Raises
    ------
    InconsistentModelError
        The SQL is not one SELECT over the table that gives the model's features.
    """

    _woken: ClassVar[bool] = False

    def __init__(self, table: Table, sql: str, features: Sequence[str]) -> None:
        self.table = table
        self._sql = sql
        self._insert = _insert_sql(table)
        self._features = tuple(features)
        _refuse_all_but_one_select(sql)
        self._large = threading.Lock()
        self._opening = threading.Lock()
        self._connections: LifoQueue[duckdb.DuckDBPyConnection] | None = self._open()

    def rest(self) -> None:
        """Give back some 10 MB until the next `run`, which takes some 50 ms more; not while `run` is under way.

        Where a query of this process was woken before, this one stays awake: those who send raw rows to one model send
        them to the next.
        """
        with self._opening:
            if HistoryQuery._woken or self._connections is None:
                return
            while not self._connections.empty():
                self._connections.get().close()
            self._connections = None

    def run(self, histories: Sequence[History]) -> tuple[list[int], Floats]:
        """Compute the features of customers from their rows, all in one query.

        Parameters
        ----------
        histories
            Customers, numbered by their position in this sequence.

        Returns
        -------
        positions : list of int
            Customers who have a row on or before their `as_of`, ascending.
        features : ndarray
            Their features, float64, shape (len(positions), d); NaN where a feature cannot be computed.

        Raises
        ------
        QueryLimitError
            The query ran too long or needs too much memory.
        InvalidFieldError
            The rows hold numbers that cannot be computed with.
        """
        document = msgspec.json.encode(histories).decode()
        lines = sum(len(history.rows) for history in histories)
        with self._large if lines > LARGE else nullcontext():
            connections = self._connections or self._awake()
            connection = connections.get()
            try:
                found = self._run(connection, document)
            finally:
                connections.put(connection)
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
        finally:
            connection.execute("ROLLBACK")
        return found

    def _awake(self) -> LifoQueue[duckdb.DuckDBPyConnection]:
        with self._opening:
            HistoryQuery._woken = True
            if self._connections is None:
                self._connections = self._open()
            return self._connections

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
        database.execute(create_table_sql(self.table))
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
