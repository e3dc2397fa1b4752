"""Customer ids as keyed hashes, for tables that leave for where nobody may know who is meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segmentation.errors import ConfigurationError

BLOCK = 64
SHORTEST = 32


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """HMAC-SHA256 of an id, as SQL with the key as parameters: no id and no key passes through Python or a log.

    Parameters
    ----------
    inner, outer
        The padded key of either round, 64 bytes.

    References
    ----------
    RFC 2104, "HMAC: Keyed-Hashing for Message Authentication".
    """

    inner: bytes
    outer: bytes

    @property
    def parameters(self) -> list[bytes]:
        """What `sql` takes, in this order."""
        return [self.outer, self.inner]

    @staticmethod
    def sql(column: str) -> str:
        """The pseudonym of a column.

        Parameters
        ----------
        column
            Text, as an SQL expression.

        Returns
        -------
        str
            64 hexadecimal digits; takes `parameters`.
        """
        return f"sha256(CAST(? AS BLOB) || unhex(sha256(CAST(? AS BLOB) || encode({column}))))"


def load(file: str, needed_by: str = "pseudonyms") -> Pseudonyms:
    """Read the key.

    Parameters
    ----------
    file
        Its file; spaces and line ends around the key do not count.
    needed_by
        What asks for it, in the plural, for the error.

    Returns
    -------
    Pseudonyms
        Ready to use.

    Raises
    ------
    ConfigurationError
        There is no key, or it is too short to keep ids from being guessed.
    """
    if not file:
        raise ConfigurationError(
            f"{needed_by} need a key", hint="set SEGMENTATION_CUSTOMER_KEY_FILE; openssl rand -hex 32 makes a key"
        )
    try:
        key = Path(file).read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(f"the key file {file} cannot be read: {error.strerror}", hint="check it") from error
    if not SHORTEST <= len(key) <= BLOCK:
        raise ConfigurationError(
            f"the key in {file} has {len(key)} characters",
            hint=f"it needs {SHORTEST} to {BLOCK}; openssl rand -hex 32 makes one",
        )
    padded = key.ljust(BLOCK, b"\0")
    return Pseudonyms(bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded))
