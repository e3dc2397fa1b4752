"""Where a body in chunks ends (RFC 9112, section 7.1), told as its bytes arrive."""

LONGEST_LINE = 8_190
"""Bytes after which gunicorn has refused the line of a chunk's size, or of a trailer."""


class Chunks:
    """The chunks of one body. What is no chunk ends it: gunicorn says what is wrong."""

    __slots__ = ("_begun", "_skip", "_trailers")

    def __init__(self) -> None:
        # Of the chunk that the bytes are in, its line end included.
        self._skip = 0
        self._begun = b""
        self._trailers = False

    def end(self, data: bytes, start: int = 0) -> bool:
        """Go on with some more bytes.

        Parameters
        ----------
        data
            As received.
        start
            Where the body goes on in it.

        Returns
        -------
        bool
            Whether the body ends in them; what follows is another request's.
        """
        at, size = start, len(data)
        while True:
            if at + self._skip >= size:
                self._skip -= size - at
                return False
            at += self._skip
            self._skip = 0
            stop = data.find(b"\n", at)
            if stop < 0:
                self._begun += data[at:]
                return len(self._begun) > LONGEST_LINE
            line, self._begun, at = (self._begun + data[at:stop]).rstrip(b"\r"), b"", stop + 1
            if self._trailers:
                if not line:
                    return True
                continue
            try:
                self._skip = int(line.partition(b";")[0], 16) + 2
            except ValueError:
                return True
            if self._skip < 2:
                return True
            if self._skip == 2:
                self._skip, self._trailers = 0, True
