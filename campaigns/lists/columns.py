"""The columns of a list: those that every list has, and those that are carried along from the customer table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from campaigns.lists.crm import CRMS
from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN = ("segment_id", "segment_name", "model_version", "as_of")
"""Of every list, beside the customer's id."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A column of the customer table that lists have too.

    Parameters
    ----------
    source
        Its name in the customer table.
    header
        Its name in the lists.
    """

    source: str
    header: str


@dataclass(frozen=True, slots=True)
class Columns:
    """What the lists' columns are called, and what they hold.

    Parameters
    ----------
    identity
        Name of the column of ids.
    carried
        In the order of the lists.
    address
        The one of them that holds the e-mail address that the CRM knows people by; None: it goes by ids.
    """

    identity: str
    carried: tuple[Carried, ...]
    address: Carried | None

    @property
    def headers(self) -> tuple[str, ...]:
        """The header line: the address first, which Klaviyo asks for and no other minds."""
        names = [column.header for column in self.carried]
        first = [] if self.address is None else [self.address.header]
        return (*first, self.identity, *(name for name in names if name not in first), *OWN)


def columns(asked: Sequence[str], crm: str | None) -> Columns:
    """Read what `--column` and `--crm` say.

    Parameters
    ----------
    asked
        `COLUMN`, or `COLUMN=NAME` to name it otherwise.
    crm
        One of `CRMS`, whose names are taken where a name means the same; None: names stay as they are given.

    Returns
    -------
    Columns
        With names that differ in more than capitals.

    Raises
    ------
    ConfigurationError
        A name is empty or taken twice, or the address is not among them where the CRM needs it.

    Examples
    --------
    >>> columns(["mail=email", "given=first name", "points"], "hubspot").headers
    ('Email', 'customer_id', 'First name', 'points', 'segment_id', 'segment_name', 'model_version', 'as_of')
    """
    preset = None if crm is None else CRMS[crm]
    known = {} if preset is None else {_word(header): header for header in preset.headers.values()}
    known |= {} if preset is None else preset.headers
    identity = "customer_id" if preset is None else preset.identity
    carried = []
    for text in asked:
        source, given, header = text.partition("=")
        header = header if given else source
        if not source or not header.strip() or not header.isprintable():
            raise ConfigurationError(f"--column {text!r} names no column", hint="write COLUMN, or COLUMN=NAME")
        carried.append(Carried(source, known.get(_word(header), header)))
    taken = {name.casefold(): name for name in (identity, *OWN)}
    for column in carried:
        if column.header.casefold() in taken:
            raise ConfigurationError(
                f"two columns of the lists would be named {column.header!r}",
                hint=f"give another name: --column {column.source}=NAME",
            )
        taken[column.header.casefold()] = column.header
    if preset is None or not preset.by_address:
        return Columns(identity, tuple(carried), None)
    address = next((column for column in carried if column.header == preset.headers["email"]), None)
    if address is None:
        near = next((column.source for column in carried if "mail" in column.source.casefold()), "COLUMN")
        raise ConfigurationError(
            f"{preset.title} knows people by their e-mail address, and no column is named as that",
            hint=f"say which column of --customers holds it: --column {near}=email",
        )
    return Columns(identity, tuple(carried), address)


def _word(name: str) -> str:
    return name.casefold().replace(" ", "_")
