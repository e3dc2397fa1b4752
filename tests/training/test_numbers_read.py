"""However a shop writes a number, it is read as that number, or refused: never as another."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.tables import Column
from tests.depth import examples
from training.sources.checks import literal
from training.sources.mapping import FileFormat
from training.sources.typed import cell, typed

SPACES = (" ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "\N{THIN SPACE}", "\t", "  ")
PRICE = Column("unit_price", "money", "")

Sign = Literal[".", ","]


@dataclass(frozen=True)
class Written:
    """A number, and how somebody wrote it."""

    text: str
    decimal: Sign
    value: Decimal


def value_of(text: str, decimal: Sign) -> Decimal | None:
    """What the job reads; None where it refuses."""
    form = FileFormat(decimal=decimal)
    raw = cell("written", "VARCHAR", form, csv=True)
    table = f"(SELECT {raw} AS raw FROM (SELECT {literal(text)} AS written))"
    found = duckdb.execute(f"SELECT {typed(PRICE, 'raw', 'VARCHAR', form)} FROM {table}").fetchone()
    assert found is not None
    value: Decimal | None = found[0]
    return value


@st.composite
def written(draw: st.DrawFn) -> Written:
    """A number with what people put around and into it; built from its digits, without looking at how it is read."""
    decimal: Sign = draw(st.sampled_from((".", ",")))
    whole, fraction = draw(st.integers(0, 10**8)), draw(st.sampled_from(("", "5", "50", "0625")))
    between = draw(st.sampled_from(("", "," if decimal == "." else ".", *SPACES[:-1])))
    digits = f"{whole:,}".replace(",", between) + (f"{decimal}{fraction}" if fraction else "")
    sign = draw(st.sampled_from(("", "", "-", "+")))
    space, edge = draw(st.sampled_from(("", *SPACES))), draw(st.sampled_from(("", *SPACES)))
    symbol, code = draw(st.sampled_from("€$£¥₹")), draw(st.sampled_from(("EUR", "USD", "BRL")))
    set_apart = space or " "
    text = draw(
        st.sampled_from(
            (
                f"{sign}{digits}",
                f"{sign}{space}{digits}",
                f"{sign}{symbol}{space}{digits}",
                f"{symbol}{space}{sign}{digits}",
                f"{sign}{digits}{space}{symbol}",
                f"{code}{set_apart}{sign}{digits}",
                f"{sign}{digits}{set_apart}{code}",
                f"{symbol}{space}{sign}{digits}{set_apart}{code}",
            )
        )
    )
    value = Decimal(f"{whole}.{fraction or 0}")
    return Written(edge + text + edge, decimal, -value if sign == "-" else value)


@settings(max_examples=examples(150), deadline=None)
@given(written())
def test_a_number_is_read_as_it_was_meant_however_it_is_written(number: Written) -> None:
    assert value_of(number.text, number.decimal) == number.value


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1e+05", ",", "100000"), ("1,5e-03", ",", "0.0015"), ("1.5E2", ".", "150"), (",5", ",", "0.5"),
        (".5", ".", "0.5"), ("+5,5", ",", "5.5"), ("+1 234.50", ".", "1234.5"),
        ("- 0,5 \N{NO-BREAK SPACE}EUR", ",", "-0.5"),
    ],
)  # fmt: skip
def test_what_programs_write_is_read(text: str, decimal: Sign, value: str) -> None:
    """R writes 100000 as 1e+05, SPSS 0,5 as ,5."""
    assert value_of(text, decimal) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("12 34", "."), ("12 34", ","), ("1,23", "."), ("1.23", ","), ("1.234e+05", ","), ("1.234,5", "."),
        ("1,234.5", ","), ("1,23,456", "."),
        ("5-", "."), ("(5)", "."), ("--5", ","), ("-", ","), ("+", "."), ("EUR", ","), ("5EUR", "."),
        ("0x1F", "."), ("1 2,5", ","), (",", ","), ("€", "."), ("1.2.3", "."),
    ],
)  # fmt: skip
def test_what_could_be_another_number_is_refused(text: str, decimal: Sign) -> None:
    assert value_of(text, decimal) is None


@pytest.mark.parametrize("decimal", [".", ","])
def test_nothing_and_spaces_are_missing(decimal: Sign) -> None:
    assert value_of("", decimal) is None
    assert value_of("  ", decimal) is None
