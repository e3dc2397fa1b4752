"""When a model is made: now, or the time that SOURCE_DATE_EPOCH sets for reproducible runs."""

import os
from datetime import UTC, datetime

from segmentation.errors import ConfigurationError
from segmentation.tables import EARLIEST, LATEST


def now() -> datetime:
    """The time of creation.

    Returns
    -------
    datetime
        UTC, whole seconds.

    Raises
    ------
    ConfigurationError
        SOURCE_DATE_EPOCH is set and is not a number of seconds.

    References
    ----------
    reproducible-builds.org, "SOURCE_DATE_EPOCH specification".
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        at = datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        at = None
    if at is None or not EARLIEST <= at <= LATEST:
        raise ConfigurationError(
            f"SOURCE_DATE_EPOCH is {epoch!r}", hint="it takes whole seconds since 1970-01-01 UTC, not later than 2200"
        )
    return at


def iso(at: datetime) -> str:
    """ISO 8601 with a Z.

    Parameters
    ----------
    at
        Aware of its zone.

    Returns
    -------
    str
        In UTC.
    """
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
