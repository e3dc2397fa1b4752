"""Amounts in different currencies, told by the sign or the code beside them: they are not added silently."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize

from segmentation.errors import BadValueError
from training.sources.checks import literal
from training.sources.statement import CURRENCY, LINES

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from training.sources.mapping import Mapping

CODES = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY", "₹": "INR", "₺": "TRY", "₩": "KRW", "₽": "RUB", "₴": "UAH"}
"""Whose code a sign is taken for; any other sign is a currency of its own."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Amounts that mean one thing and bear different currencies.

    Parameters
    ----------
    column
        Of a customer table, whose numbers are not added to one another; empty for all amounts of another table.
    amounts
        How many by currency, the most frequent first.
    """

    column: str
    amounts: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        """How many of which."""
        told = ", ".join(f"{name} {count:,}" for name, count in self.amounts)
        return f"currencies of {self.column}: {told}" if self.column else f"currencies: {told}"


def mixtures(database: Backend, mapping: Mapping, condition: str) -> tuple[Mixture, ...]:
    """Where amounts bear different currencies.

    Parameters
    ----------
    database
        Where the lines are.
    mapping
        How they were read.
    condition
        SQL condition for the rows that are looked at.

    Returns
    -------
    tuple of Mixture
        Empty where no two differ.
    """
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for said, rows in _said(database, condition):
        for column, currency in _amounts(said, mapping):
            counted[column][currency] += rows
    return tuple(
        # By name where as many: nothing depends on the order of rows.
        Mixture(column, tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))))
        for column, found in sorted(counted.items())
        if len(found) > 1
    )


def mark(database: Backend, mapping: Mapping, kept: str, code: int) -> None:
    """Mark each kept row with an amount in another currency than most of those that name theirs.

    Parameters
    ----------
    database, mapping
        As for `mixtures`.
    kept
        SQL condition for the rows that are looked at.
    code
        What they are marked with.
    """
    most = {mixture.column: mixture.amounts[0][0] for mixture in mixtures(database, mapping, kept)}
    if not most:
        return
    others = [
        literal(said)
        for said, _ in _said(database, kept)
        if any(currency != most.get(column, currency) for column, currency in _amounts(said, mapping))
    ]
    database.raw_sql(f"UPDATE {LINES} SET rule = {code} WHERE {kept} AND {CURRENCY} IN ({', '.join(others)})")


def refusal(database: Backend, mapping: Mapping, condition: str, rows: int, example: str) -> BadValueError:
    """The error of amounts that cannot be added.

    Parameters
    ----------
    database, mapping, condition
        As for `mixtures`.
    rows, example
        How many there are, and the place of the first.

    Returns
    -------
    BadValueError
        With how many amounts bear which currency.
    """
    told = "; ".join(map(str, mixtures(database, mapping, condition)))
    return BadValueError(
        f"{example}: another currency than that of most amounts (mixed_currency, "
        f"{rows:,} row{'s' if rows > 1 else ''}; {told})",
        hint="convert the amounts to one currency, or set cleaning.mixed_currency to drop; keep takes the numbers as "
        "they are",
    )


def _said(database: Backend, condition: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = database.raw_sql(
        f"SELECT {CURRENCY}, count(*) FROM {LINES} WHERE {CURRENCY} IS NOT NULL AND {condition} GROUP BY ALL"
    ).fetchall()
    return found


def _amounts(said: str, mapping: Mapping) -> list[tuple[str, str]]:
    """Column and currency of each amount of a row; no column where amounts are added to one another."""
    pairs = (each.split("=", 1) for each in said.split(" "))
    return [("" if mapping.table != "profiles" else column, _code(beside)) for column, beside in pairs]


def _code(beside: str) -> str:
    # Signs have wide forms, which mean the same.
    sign = normalize("NFKC", beside)
    return CODES.get(sign, sign)
