"""A body that was gathered whole goes to the application as it is, not through gunicorn's readers.

They would copy it six times over, a step at a time: of 2.5 MB, a tenth of all the work of an answer.
"""

from io import BytesIO
from typing import Any

from gunicorn.http.body import LengthReader

from service.intake import Watched


def hold(request: Any, sock: Watched, longest: int) -> None:
    """Give a request the body that its connection has gathered; one that is not whole is left to gunicorn.

    Who asks whether to send a body that is too long is not told to go on, nor expected to.

    Parameters
    ----------
    request
        gunicorn's, its head parsed and its body not read.
    sock
        Of its connection.
    longest
        Bytes that a body may have.
    """
    reader = request.body.reader
    if not isinstance(reader, LengthReader):
        return
    unreader, length = reader.unreader, reader.length
    ahead = unreader.take_buffered()
    further = sock.give(length - len(ahead)) if length > len(ahead) else b""
    if further is None:
        unreader.unread(ahead)
        if length > longest and request._expected_100_continue:
            request._expected_100_continue = False
            request.force_close()
        return
    if len(ahead) > length:
        # The next request, sent before this one was answered.
        unreader.unread(ahead[length:])
        ahead = ahead[:length]
    request.body = BytesIO(b"".join((ahead, further)) if further else ahead)
