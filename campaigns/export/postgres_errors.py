"""What PostgreSQL's errors mean to whoever runs an export; its details, which quote rows, are never told."""

from __future__ import annotations

import re

import psycopg

from campaigns.errors import (
    StatementFailedError,
    WarehouseAccessError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseTablesError,
    WarehouseUnavailableError,
)

_BUSY = ("55P03", "40001", "40P01")
_ACCESS = ("28", "3D000", "3F000", "42501", "25006")
# Binary COPY into a column of another type ends with what sounds like a fault of the protocol.
_TABLES = ("42P01", "42703", "42P07", "42809", "42804", "42883", "23", "08P01", "22P03", "22001")
_UNAVAILABLE = ("08", "53", "57P", "57014", "58", "XX")

_WHY_NOT = {
    "failed to resolve host": "its name is not known",
    "translate host name": "its name is not known",
    "Connection refused": "nothing listens there",
    "timeout expired": "it takes too long",
}
"""Of what libpq says only these: the rest may quote more than the address."""

_NOT_NOW = re.compile(r"starting up|shutting down|too many|connection slots|recovery", re.IGNORECASE)


def failure(error: psycopg.Error, shown: str) -> WarehouseError:
    """Put an error of psycopg into our tree.

    Parameters
    ----------
    error
        From a connection or a statement.
    shown
        Where, without password.

    Returns
    -------
    WarehouseError
        To raise from it.

    References
    ----------
    PostgreSQL 15 documentation, appendix A, "PostgreSQL Error Codes".
    """
    code = error.sqlstate or ""
    if not code:
        return _unconnected(error, shown)
    said = error.diag.message_primary or code
    if code.startswith(_BUSY):
        return WarehouseBusyError(
            f"{shown}: another run is at work there", hint="run it again when that one is done, or raise --wait"
        )
    if code.startswith(_ACCESS):
        return WarehouseAccessError(
            f"{shown} refuses: {said}", hint="docs/warehouse.md lists the rights that the role needs"
        )
    if code.startswith(_TABLES):
        return WarehouseTablesError(
            f"{shown} has other tables than the contract's: {said} ({code})",
            hint="export to another --schema, or compare the tables with docs/warehouse.md",
        )
    if code.startswith(_UNAVAILABLE):
        return WarehouseUnavailableError(f"{shown} fails: {said} ({code})", hint="run it again; nothing was changed")
    if code.startswith("22"):
        # Errors of data quote the data.
        return StatementFailedError(
            f"{shown} cannot hold a value of the table (SQLSTATE {code})",
            hint="a database in UTF-8 takes every id; nothing was changed",
        )
    return StatementFailedError(f"{shown} fails: {said} ({code})", hint="nothing was changed")


def _unconnected(error: psycopg.Error, shown: str) -> WarehouseError:
    """Errors of connecting, or of a connection that breaks, have no code."""
    said = str(error)
    if "FATAL" in said and not _NOT_NOW.search(said):
        refused = said.rsplit("FATAL:", 1)[-1].strip().splitlines()[0]
        return WarehouseAccessError(
            f"{shown} refuses: {refused}", hint="check user, password, database and pg_hba.conf"
        )
    why = next((f": {told}" for words, told in _WHY_NOT.items() if words in said), ", or hung up")
    return WarehouseUnavailableError(
        f"{shown} does not answer{why}", hint="check host and port, and run it again: the same run twice is one"
    )
