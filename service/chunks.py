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
        at, size = start + self._skip, len(data)
        while at < size:
            stop = data.find(b"\n", at)
            if stop < 0:
                self._begun += data[at:]
                self._skip = 0
                return len(self._begun) > LONGEST_LINE
            line, at = data[at:stop], stop + 1
            if self._begun:
                line, self._begun = self._begun + line, b""
            if self._trailers:
                if line in (b"\r", b""):
                    return True
                continue
            try:
                length = int(line.partition(b";")[0], 16)
            except ValueError:
                return True
            if length > 0:
                at += length + 2
            elif length == 0:
                self._trailers = True
            else:
                return True
        self._skip = at - size
        return False
