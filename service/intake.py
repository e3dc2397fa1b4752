"""Requests as they arrive: bytes are gathered until a request is whole, so that no thread waits for its client.

What is gathered is a guess at where a request ends, and decides nothing: gunicorn parses the same bytes again. A guess
that is wrong makes a thread wait for the rest, within the same limits of time.
"""

import re
import socket
import time
from contextlib import suppress
from enum import Enum

from service.chunks import Chunks
from service.errors import SlowRequestError

LONGEST_HEAD = 64 * 1024
"""Bytes that the head of a request may have; gunicorn would wait in a thread for ten times as many."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)


def is_whole(data: bytes) -> bool:
    """Whether this is a whole request, told quickly for those that most clients send.

    Parameters
    ----------
    data
        From the request's first byte.

    Returns
    -------
    bool
        False where it takes an `Intake` to tell.
    """
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return False
    start = data.find(b"\r\nContent-Length: ", 0, end)
    if start < 0:
        start = data.find(b"\r\ncontent-length: ", 0, end)
    if start < 0:
        return data.startswith(b"GET ")
    length = data[start + 18 : data.find(b"\r\n", start + 18)]
    return length.isdigit() and len(length) < 16 and len(data) >= end + int(length)


class Intake:
    """The bytes of one request.

    Parameters
    ----------
    longest
        Of a body, in bytes; what says it is longer is refused without being read.
    """

    __slots__ = ("_chunks", "_expects", "_longest", "_pieces", "_size", "_whole")

    def __init__(self, longest: int) -> None:
        self._longest = longest
        # The first holds the head. Put together once: to let one buffer grow copies what it holds several times.
        self._pieces: list[bytes] = []
        self._size = 0
        # Bytes that make it whole; 0 while the head is not complete.
        self._whole = 0
        self._chunks: Chunks | None = None
        # Where the head says that the client waits for 100 Continue, until it was told.
        self._expects: tuple[int, int] | None = None

    def __len__(self) -> int:
        return self._size

    def take(self) -> bytes:
        """All that was gathered; afterwards there is nothing.

        Returns
        -------
        bytes
            From the request's first.
        """
        taken, self._pieces, self._size, self._whole = b"".join(self._pieces), [], 0, 0
        self._chunks, self._expects = None, None
        return taken

    @property
    def headless(self) -> bool:
        """Whether so many fields came without the head's end that no more of them is wanted."""
        # Of a first line that is too long gunicorn itself waits for no more.
        return not self._whole and self._size > LONGEST_HEAD and b"\r\n" in self._pieces[0]

    def add(self, data: bytes) -> bool:
        """Gather some more.

        Parameters
        ----------
        data
            As received.

        Returns
        -------
        bool
            Whether the request is whole now, or such that no more of it is wanted.
        """
        searched, begin = max(0, self._size - 3), 0
        self._pieces.append(data)
        self._size += len(data)
        if not self._whole:
            head = b"".join(self._pieces)
            self._pieces = [head]
            end = head.find(b"\r\n\r\n", searched)
            if end < 0:
                return self._size > LONGEST_HEAD
            data, begin = head, end + 4
            self._look_at_head(head[:begin])
        if self._chunks is not None:
            # Chunks bear their lengths beside them: some more than the body itself.
            return self._chunks.end(data, begin) or self._size > self._whole + 2 * self._longest
        return self._size >= self._whole

    def wants_word(self) -> bool:
        """Whether the client waits for 100 Continue before it sends the body; asked once, it is no longer so.

        Returns
        -------
        bool
            Whether to send `CONTINUE`.
        """
        if self._expects is None:
            return False
        start, end = self._expects
        self._expects = None
        # Taken out, as an answer given: gunicorn would give it again.
        self._pieces[0] = self._pieces[0][:start] + self._pieces[0][end:]
        self._size -= end - start
        if self._chunks is None:
            self._whole -= end - start
        return True

    def _look_at_head(self, head: bytes) -> None:
        self._whole = len(head)
        found = _EXPECT.search(head)
        self._expects = None if found is None else found.span()
        length = _LENGTH.search(head)
        if _CHUNKED.search(head):
            self._chunks = Chunks()
        elif length is not None and int(length[1]) <= self._longest:
            self._whole = len(head) + int(length[1])


class Wait(Enum):
    """What a thread waits for a client to do."""

    NOTHING = ""
    SEND = "send"
    READ = "read"


class Watched(socket.socket):
    """A client's socket: gives out first what was gathered, and tells since when a thread waits for the client.

    Parameters
    ----------
    accepted
        What `accept` gave; it is used no more.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self.waits = Wait.NOTHING
        # When the request, or the sending of its answer, began.
        self.began = time.monotonic()
        self.late = False
        self._corked = False
        self._unsent = b""
        self._gathered = b""
        self._given = 0
        self._parsed = False

    def begin(self, gathered: bytes) -> None:
        """A thread takes the request up.

        Parameters
        ----------
        gathered
            Its bytes.
        """
        self._gathered, self._given, self._parsed = gathered, 0, False

    def ahead(self) -> bytes:
        """What was gathered and not received: requests sent before the one in hand was answered.

        Returns
        -------
        bytes
            Empty afterwards, and nearly always.
        """
        if not self._gathered:
            return b""
        given, self._gathered = self._gathered[self._given :], b""
        return given

    def parsed(self) -> None:
        """The head of the request was understood: from now on a client that is late can be told so."""
        self._parsed = True

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See `socket.recv`.

        Raises
        ------
        SlowRequestError
            The client took too long over the body.
        """
        if self._gathered:
            given = self._gathered[self._given : self._given + size]
            self._given += len(given)
            if self._given == len(self._gathered):
                self._gathered = b""
            return given
        self.waits = Wait.SEND
        try:
            data = super().recv(size, flags)
        finally:
            self.waits = Wait.NOTHING
        if not data and self.late and self._parsed:
            raise slow()
        return data

    def give(self, size: int) -> memoryview | None:
        """The next of the gathered bytes, which then were received.

        Parameters
        ----------
        size
            How many.

        Returns
        -------
        memoryview or None
            None where there are not so many; then nothing was received.
        """
        end = self._given + size
        if end > len(self._gathered):
            return None
        given = memoryview(self._gathered)[self._given : end]
        self._given = end
        if end == len(self._gathered):
            self._gathered = b""
        return given

    def cork(self) -> None:
        """The head of an answer is to be sent with what follows it: one packet, and one call of the system."""
        self._corked = True

    def uncork(self) -> None:
        """Nothing follows: send what there is."""
        self._corked = False
        if self._unsent:
            self.sendall(b"")

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
        """See `socket.sendall`; see `cork`."""
        if self._corked:
            self._corked = False
            self._unsent = data
            return
        if self._unsent:
            data, self._unsent = self._unsent + data, b""
        self.began = time.monotonic()
        self.waits = Wait.READ
        try:
            super().sendall(data, flags)
        finally:
            self.waits = Wait.NOTHING

    def receive(self, size: int) -> bytes | None:
        """Receive without waiting, and without the gathered bytes.

        Parameters
        ----------
        size
            At most so many bytes.

        Returns
        -------
        bytes or None
            Empty where the client is done or gone; None where there is nothing now.
        """
        try:
            return super().recv(size, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def cut(self) -> None:
        """Wake the thread that waits for the client: what it waits for will not come."""
        self.late = True
        # A client that is gone already wakes the thread as well.
        with suppress(OSError):
            self.shutdown(socket.SHUT_RD if self.waits is Wait.SEND else socket.SHUT_RDWR)


def slow() -> SlowRequestError:
    """The error of a request that did not arrive in time.

    Returns
    -------
    SlowRequestError
        To be raised or told.
    """
    return SlowRequestError("the request did not arrive in time", hint="send it again, quicker or in parts")
