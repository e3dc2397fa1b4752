"""Money in different currencies is never added without a word."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from segmentation.errors import BadValueError
from tests.training.reading import HEADER, ORDERS, counts, example, read, read_file, rows

MIXED = HEADER + "a,1,2019-07-01,x,1,£2.50\na,2,2019-07-02,x,1,GBP 3\nb,3,2019-07-03,x,1,4.10 €\nb,4,2019-07-03,x,1,5\n"


def test_prices_in_different_currencies_are_refused_with_how_many_of_which(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(BadValueError) as refused:
        read(database, tmp_path, MIXED, ORDERS)
    assert str(refused.value).startswith("orders.csv, line 4: another currency than that of most amounts")
    assert "mixed_currency, 1 row; currencies: GBP 2, EUR 1" in str(refused.value)
    assert "cleaning.mixed_currency to drop" in str(refused.value.hint)


def test_dropped_they_leave_the_most_frequent_currency_and_what_names_none(database: Backend, tmp_path: Path) -> None:
    loaded = read(database, tmp_path, MIXED, ORDERS, cleaning={"mixed_currency": "drop"})
    assert rows(loaded, "order_id", "unit_price") == [("1", Decimal("2.5")), ("2", Decimal(3)), ("4", Decimal(5))]
    assert counts(loaded) == {"mixed_currency": 1}
    assert example(loaded, "mixed_currency") == "orders.csv, line 4"
    assert loaded.notes == ("currencies: GBP 2, EUR 1",)


def test_kept_they_are_counted(database: Backend, tmp_path: Path) -> None:
    loaded = read(database, tmp_path, MIXED, ORDERS, cleaning={"mixed_currency": "keep"})
    assert len(rows(loaded)) == 4
    assert counts(loaded) == {"mixed_currency": 1}
    assert loaded.notes == ("currencies: GBP 2, EUR 1",)


@pytest.mark.parametrize(
    ("first", "second"),
    [("£2", "GBP 3"), ("2 €", "3 EUR"), ("$2", "$3 USD"), ("£2", "3"), ("￡2", "£3"), ("-", "£3"), ('"1 234"', "3 kr")],
)
def test_one_currency_written_in_several_ways_is_one(
    database: Backend, tmp_path: Path, first: str, second: str
) -> None:
    text = HEADER + f"a,1,2019-07-01,x,1,{first}\nb,2,2019-07-01,x,1,{second}\n"
    loaded = read(
        database, tmp_path, text, ORDERS + 'file: {missing: ["-", 3 kr]}\n', cleaning={"missing_price": "keep"}
    )
    assert counts(loaded).keys() <= {"missing_price"}
    assert loaded.notes == ()


@pytest.mark.parametrize(("first", "second"), [("$2", "AUD 3"), ("2 €", "3 $"), ("CHF 2", "3 SEK"), ("₫2", "₱3")])
def test_two_currencies_are_two(database: Backend, tmp_path: Path, first: str, second: str) -> None:
    text = HEADER + f"a,1,2019-07-01,x,1,{first}\nb,2,2019-07-01,x,1,{second}\n"
    with pytest.raises(BadValueError, match="mixed_currency"):
        read(database, tmp_path, text, ORDERS)


def test_with_a_decimal_comma_too(database: Backend, tmp_path: Path) -> None:
    text = (
        HEADER.replace(",", ";") + "a;1;2019-07-01;x;1;1.234,50 €\nb;2;2019-07-01;x;1;2,50\nb;3;2019-07-01;x;1;$2,50\n"
    )
    with pytest.raises(BadValueError, match=r"line 4: .* currencies: EUR 1, USD 1"):
        read(database, tmp_path, text, ORDERS + 'file: {separator: ";", decimal: ","}\n')


def test_freight_in_another_currency_than_the_price_is_refused(database: Backend, tmp_path: Path) -> None:
    text = HEADER.replace("\n", ",ship\n") + "a,1,2019-07-01,x,1,£2,£1\nb,2,2019-07-01,x,1,£2,€1\n"
    with pytest.raises(BadValueError, match=r"line 3: .*currencies: GBP 3, EUR 1"):
        read(database, tmp_path, text, ORDERS.replace("}", ", freight_value: ship}"))


def test_rows_dropped_for_another_reason_say_nothing_of_the_currency(database: Backend, tmp_path: Path) -> None:
    text = HEADER + "a,1,2019-07-01,x,1,£2\n,2,2019-07-01,x,1,€2\n"
    loaded = read(database, tmp_path, text, ORDERS)
    assert counts(loaded) == {"missing_customer": 1}
    assert loaded.notes == ()


def test_files_of_different_currencies_are_refused_also_from_parquet(database: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, price in (("a", "£2"), ("b", "€3")):
        frame = pd.DataFrame(
            {"who": [name], "order": [name], "when": [pd.Timestamp("2019-07-01")], "what": "x", "n": 1, "price": price}
        )
        frame.to_parquet(folder / f"{name}.parquet")
    with pytest.raises(BadValueError, match=r"b\.parquet, row 1: .*currencies: EUR 1, GBP 1|a\.parquet, row 1"):
        read_file(database, folder, ORDERS)


def test_prices_of_events_in_different_currencies_are_refused(database: Backend, tmp_path: Path) -> None:
    text = "customer_id,event_type,occurred_at,price\na,purchase,2019-07-01,£2\nb,purchase,2019-07-01,€2\n"
    with pytest.raises(BadValueError, match="mixed_currency"):
        read(database, tmp_path, text, "table: events\n")


def test_the_numbers_of_a_customer_table_have_each_their_own(database: Backend, tmp_path: Path) -> None:
    mapping = "table: profiles\nnumbers: {income: income, spent: spent}\n"
    loaded = read(database, tmp_path, "customer_id,income,spent\na,$2,€1\nb,$3,€2\n", mapping)
    assert counts(loaded) == {}
    with pytest.raises(BadValueError, match=r"line 4: .*currencies of spent: EUR 2, USD 1"):
        read(database, tmp_path, "customer_id,income,spent\na,$2,€1\nb,$3,€2\nc,$3,$2\n", mapping)
