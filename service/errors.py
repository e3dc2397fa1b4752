"""What only the service can refuse; a branch of the tree in `segmentation.errors`.

    SegmentationError
    ├── RequestError
    │   ├── MalformedBodyError      (HTTP 400)
    │   ├── BodyTooLargeError       (HTTP 413)
    │   ├── MediaTypeError          (HTTP 415)
    │   └── SlowRequestError        the request did not arrive in time (HTTP 408)
    ├── AccessError                 whoever asks may not (HTTP 403)
    │   ├── MissingKeyError         no API key, or none that is known (HTTP 401)
    │   ├── MissingScopeError       a key that is not for this
    │   └── NotLocalError           there are no keys, and the caller is not on this machine
    ├── WrongPortError              a route that is on another port (HTTP 404)
    ├── UnknownAlgorithmError       (HTTP 404)
    ├── NotComputedError            training did not compute it (HTTP 404)
    ├── NotReadyError               the service has no model yet (HTTP 503)
    └── UnavailableError            not now (HTTP 503)
        ├── OverloadedError         more requests than a worker holds
        └── StoppingError           it is about to stop

Bodies that are no JSON, too large, or of another type are told before anything in them is looked at.
"""

from segmentation.errors import RequestError, SegmentationError


class MalformedBodyError(RequestError):
    """The body is not JSON."""

    code = "malformed-body"


class BodyTooLargeError(RequestError):
    """The body, or the number of customers in it, is over the limit."""

    code = "body-too-large"
    http_status = 413


class MediaTypeError(RequestError):
    """The body is not declared to be JSON."""

    code = "unsupported-media-type"
    http_status = 415


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


class NotReadyError(SegmentationError):
    """The service has no model yet."""

    code = "not-ready"
    http_status = 503


class UnknownAlgorithmError(SegmentationError):
    """There is no clusterer of that name."""

    code = "unknown-algorithm"
    http_status = 404


class NotComputedError(SegmentationError):
    """The model was published without it."""

    code = "not-computed"
    http_status = 404
