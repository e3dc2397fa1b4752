"""What a command line says of a failure that it knows, and the exit status that follows: never a traceback."""

from dataclasses import dataclass

import duckdb

from segmentation.errors import InputError, SegmentationError

ROOM = "raise SEGMENTATION_MEMORY_LIMIT, or set SEGMENTATION_SPILL_DIR to a folder with more room"

KNOWN = (SegmentationError, duckdb.OutOfMemoryException, duckdb.IOException, duckdb.TransactionException, OSError)
"""Exceptions that `failure` has words for; whatever else is raised is a defect."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure in words.

    Parameters
    ----------
    message, hint
        What was wrong, and what to do; the hint may be empty.
    exit_status
        Of the process.
    """

    message: str
    hint: str
    exit_status: int


def failure(error: Exception) -> Failure:
    """Put an exception into words.

    Parameters
    ----------
    error
        One of `KNOWN`.

    Returns
    -------
    Failure
        For the terminal.
    """
    if isinstance(error, SegmentationError):
        return Failure(error.message, error.hint, error.exit_status)
    if isinstance(error, duckdb.OutOfMemoryException):
        return Failure("DuckDB ran out of memory", ROOM, InputError.exit_status)
    if isinstance(error, duckdb.Error):
        return Failure(f"the work database fails: {str(error).splitlines()[0]}", ROOM, InputError.exit_status)
    said = error.strerror if isinstance(error, OSError) else None
    return Failure(
        f"input or output fails: {said or error}", "check the disk and where output goes to", InputError.exit_status
    )
