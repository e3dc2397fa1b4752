"""What only the service can refuse; a branch of the tree in `segmentation.errors`.

SegmentationError
├── RequestError
│   └── SlowRequestError        the request did not arrive in time (HTTP 408)
├── AccessError                 whoever asks may not
│   ├── MissingKeyError         no API key, or none that is known (401)
│   ├── MissingScopeError       a key that is not for this (403)
│   └── NotLocalError           there are no keys, and the caller is not on this machine (403)
├── WrongPortError              a route that is on another port (404)
└── UnavailableError            not now (503)
├── OverloadedError         more requests than a worker holds
└── StoppingError           it is about to stop
"""

from segmentation.errors import RequestError, SegmentationError


class SlowRequestError(RequestError):
    """The request did not arrive in time."""

    code = "request-timeout"
    http_status = 408


class AccessError(SegmentationError):
    """Whoever asks may not.

    Parameters
    ----------
    message, hint
        As in `SegmentationError`.
    challenge
        Value of the answer's WWW-Authenticate (RFC 6750); empty where no key would help.
    reason
        For the log: a few fixed words.
    key
        Name of the key that was sent; empty where none is known.
    """

    code = "forbidden"
    http_status = 403

    def __init__(self, message: str, *, hint: str, reason: str, challenge: str = "", key: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.challenge = challenge
        self.key = key


class MissingKeyError(AccessError):
    """There is no API key, or none that is known."""

    code = "missing-key"
    http_status = 401


class MissingScopeError(AccessError):
    """The API key is not for this."""

    code = "missing-scope"


class NotLocalError(AccessError):
    """There are no API keys, and the caller is not on this machine."""

    code = "not-local"


class WrongPortError(SegmentationError):
    """The route is on another port."""

    code = "not-found"
    http_status = 404


class UnavailableError(SegmentationError):
    """The service cannot answer now."""

    code = "unavailable"
    http_status = 503


class OverloadedError(UnavailableError):
    """There are more requests than the service takes at once."""

    code = "overloaded"


class StoppingError(UnavailableError):
    """The service is about to stop."""

    code = "stopping"
