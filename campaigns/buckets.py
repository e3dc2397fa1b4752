"""Who falls on which side: every customer has a place in [0, 1) per key and salt, the same on every machine and day.

A hold-out is everybody whose place is below its share; the arms of an experiment are stretches of [0, 1). Nothing need
be stored for a customer to stay where he is, and nobody can guess or choose his place without the key.
"""

from __future__ import annotations

from dataclasses import dataclass

from segmentation.errors import ConfigurationError
from segmentation.pseudonyms import Pseudonyms

LONGEST_SALT = 200

DIGITS = 13
"""Hexadecimal digits of the hash that make the place: 52 bits, which a double holds exactly."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Places in [0, 1) by keyed hash, as SQL: no id and no key passes through Python or a log.

    Parameters
    ----------
    keyed
        The key, as `segmentation.pseudonyms.load` reads it.
    salt
        Name of the campaign or experiment: places under different salts have nothing to do with one another.

    Raises
    ------
    ConfigurationError
        The salt is empty, longer than `LONGEST_SALT` characters, or has spaces around it or signs that cannot be seen.

    Examples
    --------
    >>> buckets = Buckets(pseudonyms.load("customer.key"), "spring sale")  # doctest: +SKIP
    >>> sql = f"SELECT customer_id, {Buckets.sql('customer_id')} < 0.1 AS held_out FROM assignments"
    >>> connection.execute(sql, buckets.parameters)  # doctest: +SKIP

    References
    ----------
    RFC 2104, "HMAC: Keyed-Hashing for Message Authentication"; Kohavi, Tang and Xu (2020), "Trustworthy Online
    Controlled Experiments", chapter 14, for one hash per experiment.
    """

    keyed: Pseudonyms
    salt: str

    def __post_init__(self) -> None:
        """Refuse a salt that two people would type differently."""
        require_salt(self.salt)

    @property
    def parameters(self) -> list[bytes | str]:
        """What `sql` takes, in this order."""
        # The salt's length keeps ("a", "bc") and ("ab", "c") apart; the first word, these hashes from pseudonyms.
        return [*self.keyed.parameters, f"bucket:{len(self.salt)}:{self.salt}:"]

    @staticmethod
    def sql(column: str) -> str:
        """The place of a column's customers.

        Parameters
        ----------
        column
            Ids as text, as an SQL expression of DuckDB that takes no parameters of its own.

        Returns
        -------
        str
            A DOUBLE in [0, 1), uniform over customers; NULL where the column is. Takes `parameters`.
        """
        digest = Pseudonyms.sql(f"(CAST(? AS VARCHAR) || {column})")
        return f"(CAST('0x' || substr({digest}, 1, {DIGITS}) AS BIGINT) / {2.0 ** (4 * DIGITS):.1f})"


def require_salt(name: str) -> str:
    """Check the name that customers are divided by.

    Parameters
    ----------
    name
        Of a campaign or experiment.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ConfigurationError
        It is empty, longer than `LONGEST_SALT` characters, or has spaces around it or signs that cannot be seen.
    """
    wrong = (
        "is empty" if not name
        else f"is longer than {LONGEST_SALT} characters" if len(name) > LONGEST_SALT
        else "has spaces around it" if name != name.strip()
        else "has signs that cannot be seen" if not name.isprintable()
        else ""
    )  # fmt: skip
    if wrong:
        raise ConfigurationError(
            f"the name that customers are divided by {wrong}", hint='give one such as "spring sale 2026"'
        )
    return name
