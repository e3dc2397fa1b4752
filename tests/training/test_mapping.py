"""Any table reads through a short mapping, however its files are written."""

import gzip
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from segmentation.errors import (
    UnreadableFileError,
)
from segmentation.features import ORDER_FEATURES
from tests.training import retail_export
from tests.training.reading import HEADER, ORDERS, counts, example, read, read_file, rows
from tests.training.test_mapping_refused import PEOPLE
from training.snapshot import take


def test_an_export_never_seen_before_goes_through_and_every_line_is_accounted_for(
    database: Backend, tmp_path: Path
) -> None:
    export = retail_export.write(tmp_path, 40_000)
    assert len(retail_export.MAPPING.splitlines()) <= 25
    loaded = read_file(database, export.path, retail_export.MAPPING)
    assert counts(loaded) == export.expected
    assert loaded.read[0].rows == export.lines == 40_000
    assert loaded.table.count().to_pyarrow().as_py() == export.lines - sum(export.expected.values())
    assert loaded.table.customer_id.nunique().to_pyarrow().as_py() == export.customers
    ids = loaded.table.customer_id.to_pyarrow().to_pylist()
    assert all(name.isdigit() for name in ids)
    for rule in export.expected:
        line = int(example(loaded, rule).removeprefix("orders.csv, line "))
        text = export.path.read_text(encoding="latin-1").splitlines()[line - 1]
        assert {"missing_customer": ",,", "cancelled_line": "C", "zero_price": ",0.00,"}.get(rule, "") in text


def test_moments_are_read_in_their_format_and_zone(database: Backend, tmp_path: Path) -> None:
    mapping = ORDERS + 'file: {date_format: "%d/%m/%Y %H:%M", timezone: Europe/London}\n'
    loaded = read(database, tmp_path, HEADER + "a,1,01/07/2019 08:26,x,1,2\nb,2,01/01/2019 08:26,x,1,2\n", mapping)
    assert rows(loaded, "customer_id", "ordered_at") == [
        ("a", datetime(2019, 7, 1, 7, 26)), ("b", datetime(2019, 1, 1, 8, 26)),  # noqa: DTZ001
    ]  # fmt: skip


def test_a_moment_that_names_its_zone_keeps_it(database: Backend, tmp_path: Path) -> None:
    mapping = ORDERS + "file: {timezone: America/Sao_Paulo}\n"
    text = (
        HEADER
        + "a,1,2019-07-01 10:00:00+02:00,x,1,2\nb,2,2019-07-01 10:00:00 UTC,x,1,2\nc,3,2019-07-01 10:00:00,x,1,2\n"
    )
    found = [row[0].hour for row in rows(read(database, tmp_path, text, mapping), "ordered_at", "customer_id")]
    assert sorted(found) == [8, 10, 13]


@pytest.mark.parametrize(
    ("written", "decimal", "value"),
    [
        ("2.50", ".", "2.50"), ("£2.50", ".", "2.50"), ("2.50 €", ".", "2.50"), ("EUR 2.50", ".", "2.50"),
        ('"1,234.50"', ".", "1234.50"), ('"2,50"', ",", "2.50"), ('"1.234,50"', ",", "1234.50"),
        ('"2,50 €"', ",", "2.50"), ("1e2", ".", "100"), ("1.234", ",", "1234"), ('"1\u00a0234,50"', ",", "1234.50"),
        ("2.50 EUR", ".", "2.50"), ('"1 234,50 EUR"', ",", "1234.50"), ("1 234.50", ".", "1234.50"),
    ],
)  # fmt: skip
def test_money_is_read_as_shops_write_it(
    database: Backend, tmp_path: Path, written: str, decimal: str, value: str
) -> None:
    mapping = ORDERS + f'file: {{decimal: "{decimal}"}}\n'
    loaded = read(database, tmp_path, HEADER + f"a,1,2019-07-01,x,1,{written}\n", mapping)
    assert rows(loaded, "unit_price") == [(Decimal(value),)]


def test_unreadable_values_can_be_dropped_and_counted(database: Backend, tmp_path: Path) -> None:
    text = HEADER + "a,1,soon,x,1,2\nb,2,2019-07-01,x,one,2\nc,3,2019-07-01,x,1,2\n"
    loaded = read(database, tmp_path, text, ORDERS, cleaning={"unreadable_value": "drop"})
    assert counts(loaded) == {"unreadable_value": 2}
    assert example(loaded, "unreadable_value") == "orders.csv, line 2"
    assert loaded.lost == 2


def test_what_stands_for_missing_is_missing(database: Backend, tmp_path: Path) -> None:
    mapping = ORDERS + 'file: {missing: ["?", "N/A"]}\n'
    text = HEADER + "?,1,2019-07-01,x,1,2\nb,2,N/A,x,1,2\nc,3,2019-07-01,?,?,2\n d ,4,2019-07-01,x,1,?\n"
    loaded = read(database, tmp_path, text, mapping)
    assert counts(loaded) == {"missing_customer": 1, "missing_date": 1, "missing_price": 1}
    assert rows(loaded, "customer_id", "product_id", "quantity") == [("c", None, None)]


def test_separator_and_encoding_are_the_mapping_s(database: Backend, tmp_path: Path) -> None:
    mapping = ORDERS + 'file: {separator: ";", encoding: cp1252, decimal: ","}\n'
    text = (HEADER + "jos\u00e9,1,2019-07-01,\u20ac-Karte,1,2,50\n").replace(",", ";").replace("2;50", "2,50")
    loaded = read(database, tmp_path, text.encode("cp1252"), mapping)
    assert rows(loaded, "customer_id", "product_id", "unit_price") == [("josé", "€-Karte", Decimal("2.5000"))]


def test_a_file_in_another_encoding_says_where_to_set_it(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"orders\.csv, line 2"):
        read(database, tmp_path, (HEADER + "josé,1,2019-07-01,x,1,2\n").encode("latin-1"), ORDERS)
    with pytest.raises(UnreadableFileError, match="is not utf-16"):
        read(database, tmp_path, HEADER + "a,1,2019-07-01,x,1,2\n", ORDERS + "file: {encoding: utf-16}\n")


def test_columns_that_bear_our_names_need_no_mapping(database: Backend, tmp_path: Path) -> None:
    text = "Customer_ID,order_id,ordered_at,unit_price\na,1,2019-07-01,2\n"
    loaded = read(database, tmp_path, text, "table: orders\n")
    assert rows(loaded, "customer_id", "unit_price") == [("a", Decimal("2.0000"))]
    assert "customer_id from Customer_ID" in loaded.read[0].columns


@pytest.mark.parametrize("kind", ["gz", "parquet", "many", "glob", "folder"])
def test_the_same_rows_come_from_every_kind_of_file(database: Backend, tmp_path: Path, kind: str) -> None:
    lines = [f"{customer},{order},2019-07-{1 + order % 28:02d} 10:00:00,x{order},{1 + order % 3},{order}.25\n"
             for order, customer in enumerate("abcab" * 8, start=1)]  # fmt: skip
    expected = rows(read(database, tmp_path, HEADER + "".join(lines), ORDERS))
    folder = tmp_path / "files"
    folder.mkdir()
    data: Path | str = folder
    if kind == "gz":
        data = folder / "orders.csv.gz"
        (folder / "orders.csv.gz").write_bytes(gzip.compress((HEADER + "".join(lines)).encode()))
    elif kind == "parquet":
        frame = pd.read_csv(tmp_path / "orders.csv", parse_dates=["when"])
        frame.to_parquet(folder / "orders.parquet")
    else:
        for number in range(4):
            (folder / f"2019-{number}.csv").write_text(HEADER + "".join(lines[number * 10 : number * 10 + 10]))
        (folder / "README.md").write_text("not a table")
        data = f"{folder}/2019-*.csv" if kind == "glob" else folder
    loaded = read_file(database, data, ORDERS)
    assert rows(loaded) == expected
    assert sum(table.rows for table in loaded.read) == 40


def test_numbers_beyond_32_bits_do_not_wrap(database: Backend, tmp_path: Path) -> None:
    big = 2_053_013_552_326_770_905
    loaded = read(database, tmp_path, HEADER + f"{big},{big},2019-07-01,{big},1,900000000\n", ORDERS)
    assert rows(loaded, "customer_id", "product_id", "unit_price") == [(str(big), str(big), Decimal(900_000_000))]
    pd.DataFrame(
        {"who": [big], "order": [big], "when": ["2019-07-01"], "what": [big], "n": [1], "price": [9e8]}
    ).to_parquet(tmp_path / "orders.parquet")
    assert rows(read_file(database, tmp_path / "orders.parquet", ORDERS), "customer_id") == [(str(big),)]


def test_amounts_add_up_to_what_was_paid(database: Backend, tmp_path: Path) -> None:
    text = "who,order,when,n,total\na,1,2019-07-01,3,10.00\na,1,2019-07-01,7,0.05\nb,2,2019-07-01,1,4\n"
    mapping = (
        "table: orders\ncolumns: {customer_id: who, order_id: order, ordered_at: when, quantity: n, amount: total}\n"
    )
    loaded = read(database, tmp_path, text, mapping)
    assert rows(loaded, "customer_id", "payment_value", "unit_price") == [
        ("a", Decimal("10.05"), Decimal("0.0071")), ("a", Decimal("10.05"), Decimal("3.3333")),
        ("b", Decimal(4), Decimal(4)),
    ]  # fmt: skip


def test_without_order_ids_one_moment_is_one_order(database: Backend, tmp_path: Path) -> None:
    text = "who,when,price\na,2019-07-01,1\na,2019-07-01,2\na,2019-07-02,3\n"
    mapping = "table: orders\ncolumns: {customer_id: who, ordered_at: when, unit_price: price}\n"
    assert read(database, tmp_path, text, mapping).table.order_id.nunique().to_pyarrow().as_py() == 2


def test_a_list_of_one_needs_no_brackets_and_what_is_in_no_row_is_said(database: Backend, tmp_path: Path) -> None:
    text = HEADER.replace("\n", ",state\n") + "a,1,2019-07-01,x,2,5,void\nb,2,2019-07-01,POST,2,5,done\n"
    mapping = ORDERS.replace("}", ", status: state}") + "cancelled: {status: viod}\nnot_products: POST\n"
    loaded = read(database, tmp_path, text, mapping)
    assert counts(loaded) == {"not_a_product": 1}
    assert loaded.notes == ("cancelled.status: no row has 'viod'",)


def test_ids_that_a_frame_made_fractional_are_the_same_ids(database: Backend, tmp_path: Path) -> None:
    events = "table: events\ncolumns: {customer_id: who, event_type: what, occurred_at: when, product_id: item}\n"
    for name, items in (("jan", [5, 7]), ("feb", [5, None])):
        frame = pd.DataFrame({"who": [1.0, 1.0], "what": "view", "when": "2019-07-01", "item": items, "of": name})
        frame.to_parquet(tmp_path / f"{name}.parquet")
    loaded = read_file(database, tmp_path, events)
    assert loaded.table.customer_id.nunique().to_pyarrow().as_py() == 1
    assert loaded.table.product_id.nunique().to_pyarrow().as_py() == 2


def test_folders_named_like_columns_are_folders(database: Backend, tmp_path: Path) -> None:
    folder = tmp_path / "who=ZZ"
    folder.mkdir()
    assert rows(read(database, folder, HEADER + "a,1,2019-07-01,x,2,5\n", ORDERS), "customer_id") == [("a",)]


def test_missing_numbers_of_parquet_are_missing(database: Backend, tmp_path: Path) -> None:
    pd.DataFrame({"id": [1, 2, 3], "Income": [20, -999, 30], "Visits": [1.0, float("nan"), 2.0], "Age": 1}).to_parquet(
        tmp_path / "people.parquet"
    )
    loaded = read_file(database, tmp_path / "people.parquet", PEOPLE.replace('"?"', '"-999"'))
    assert rows(loaded) == [("1", 20.0, 1.0), ("2", None, None), ("3", 30.0, 2.0)]


def test_a_separator_at_the_end_of_each_line_is_no_column(database: Backend, tmp_path: Path) -> None:
    loaded = read(database, tmp_path, HEADER.replace("\n", ",\n") + "a,1,2019-07-01,x,2,5,\n", ORDERS)
    assert len(rows(loaded)) == 1


def test_moments_in_nanoseconds_with_a_zone_are_read(database: Backend, tmp_path: Path) -> None:
    when = pd.to_datetime(["2019-07-01 10:00", "2019-07-02 10:00"]).tz_localize("Europe/Berlin").as_unit("ns")
    frame = pd.DataFrame({"who": ["a", "b"], "order": [1, 2], "when": when, "what": "x", "n": 1, "price": 2.5})
    frame.to_parquet(tmp_path / "orders.parquet")
    assert [row[0].hour for row in rows(read_file(database, tmp_path / "orders.parquet", ORDERS), "ordered_at")] == [
        8, 8,
    ]  # fmt: skip


def test_payments_need_no_prices(database: Backend, tmp_path: Path) -> None:
    text = "who,order,when,total\na,1,2019-07-01,10.00\na,2,2019-07-02,5\nb,3,2019-07-01,\nc,4,2019-07-03,7\n"
    mapping = "table: orders\ncolumns: {customer_id: who, order_id: order, ordered_at: when, payment_value: total}\n"
    loaded = read(database, tmp_path, text, mapping)
    assert counts(loaded) == {"missing_price": 1}
    assert take(database, loaded, ORDER_FEATURES).customers["monetary"].to_dict() == {"a": 15.0, "c": 7.0}


def test_a_number_whose_differences_are_lost_in_rounding_is_left_out(database: Backend, tmp_path: Path) -> None:
    text = "id,Income,Visits\n" + "".join(f"{n},{10**10 + n},{n % 7}\n" for n in range(1, 200))
    mapping = "table: profiles\ncolumns: {customer_id: id}\nnumbers: {income: Income, visits: Visits}\n"
    loaded = read(database, tmp_path, text, mapping)
    assert take(database, loaded, loaded.catalogue).left_out == {
        "income": "its differences are lost in rounding beside its size: subtract what all have in common"
    }
