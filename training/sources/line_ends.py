"""Line ends of a CSV file: DuckDB reads files of any one kind, and none of two."""

import re
from pathlib import Path

from segmentation.errors import UnreadableFileError
from training.sources.checks import open_bytes

CHUNK = 1 << 20

_NAMES = {b"\n": "LF", b"\r\n": "CRLF", b"\r": "CR"}
_ENDS = re.compile(rb'"|\r\n|\n|\r')


def mixed(path: Path) -> UnreadableFileError | None:
    """The error for a file whose lines do not all end alike, as two exports put together.

    Parameters
    ----------
    path
        A CSV file.

    Returns
    -------
    UnreadableFileError or None
        With the first line that ends otherwise than the first; None where all end alike. Ends within quotation marks
        are the value's.
    """
    first, line, within, rest = b"", 1, False, b""
    with open_bytes(path) as file:
        while chunk := file.read(CHUNK):
            content = rest + chunk
            # The LF of a CRLF may be in the next chunk.
            rest = b"\r" if content.endswith(b"\r") else b""
            for found in _ENDS.finditer(content.removesuffix(rest)):
                end = found.group()
                if end == b'"':
                    within = not within
                    continue
                if not within:
                    first = first or end
                    if end != first:
                        return UnreadableFileError(
                            f"{path.name}, line {line}: the line ends in {_NAMES[end]}, the first in {_NAMES[first]}",
                            hint=f"bring all line ends to one kind, for instance: dos2unix {path.name}",
                        )
                line += 1
    return None
