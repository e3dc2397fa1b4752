"""Names of files that DuckDB can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path


def refuse_name(path: Path) -> None:
    """Refuse a file whose name DuckDB cannot be told.

    Parameters
    ----------
    path
        A path, as Python has it.

    Raises
    ------
    UnreadableFileError
        It is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = str(path).encode("utf-8", "backslashreplace").decode()
        raise UnreadableFileError(f"the name of {shown} is not UTF-8", hint="rename the file or its folder") from error
