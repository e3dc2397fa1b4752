"""Olist's tables become canonical orders; whatever is wrong with them is told with file, line, column and value."""

import gzip
from datetime import datetime
from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend

from segmentation.errors import (
    BadValueError,
    DuplicateRowError,
    EmptyTableError,
    MissingColumnError,
    MissingTableError,
    SourceError,
    UnreadableFileError,
)
from segmentation.settings import Settings
from tests.training.olist_tables import load, replace_in, write
from training.database import open_database
from training.sources import Loaded

ITEMS, ORDERS, REVIEWS = "olist_order_items_dataset", "olist_orders_dataset", "olist_order_reviews_dataset"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "olist")


def lines_of(orders: Loaded, order: str) -> list[dict[str, object]]:
    table = orders.table
    rows: list[dict[str, object]] = (
        table.filter(table.order_id == order).order_by("product_id").to_pyarrow().to_pylist()
    )
    return rows


def test_the_person_is_customer_unique_id(database: Backend, folder: Path) -> None:
    orders = load(database, folder)
    assert orders.table.customer_id.nunique().to_pyarrow().as_py() == 40
    assert orders.table.order_id.nunique().to_pyarrow().as_py() == 60


def test_an_order_s_facts_are_joined_once_whatever_its_items_and_payments(database: Backend, folder: Path) -> None:
    first, second = lines_of(load(database, folder), "o1")
    for line in (first, second):
        assert float(line["payment_value"]) == 29.5  # type: ignore[arg-type]
        assert float(line["freight_value"]) == 6.5  # type: ignore[arg-type]
        assert line["instalments"] == 2
        assert line["quantity"] == 1
    assert [first["category"], second["category"]] == [None, "papel"]


def test_the_latest_review_counts_and_cancelled_is_spelt_one_way(database: Backend, folder: Path) -> None:
    orders = load(database, folder)
    assert {line["review_score"] for line in lines_of(orders, "o0")} == {5}
    assert {line["status"] for line in lines_of(orders, "o7")} == {"cancelled"}


def test_an_order_without_items_is_one_line_without_a_product(database: Backend, folder: Path) -> None:
    (line,) = lines_of(load(database, folder), "o59")
    assert (line["quantity"], line["product_id"], line["unit_price"]) == (0, None, None)


def test_gzipped_tables_are_read_as_well(database: Backend, folder: Path) -> None:
    path = folder / f"{ITEMS}.csv"
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert len(lines_of(load(database, folder), "o1")) == 2


def test_rows_that_belong_to_nothing_are_left_out_and_counted(database: Backend, folder: Path) -> None:
    replace_in(folder, ITEMS, "o3,1,", "o999,1,")
    orders = load(database, folder)
    assert {each.rule: each.rows for each in orders.cleaning}["item_without_order"] == 1
    assert len(lines_of(orders, "o3")) == 1


def refused(database: Backend, folder: Path, kind: type[SourceError]) -> SourceError:
    with pytest.raises(kind) as error:
        load(database, folder)
    assert type(error.value) is kind
    assert error.value.exit_status == 2
    return error.value


def test_a_missing_table_is_named_with_the_nearest_file(database: Backend, folder: Path) -> None:
    (folder / f"{ORDERS}.csv").rename(folder / "olist_order_dataset.csv")
    error = refused(database, folder, MissingTableError)
    assert "olist_orders_dataset.csv" in error.message
    assert "olist_order_dataset.csv" in error.hint


@pytest.mark.parametrize("table", [ORDERS, REVIEWS])
def test_another_table_of_olist_is_not_taken_for_a_missing_one(database: Backend, folder: Path, table: str) -> None:
    (folder / f"{table}.csv").unlink()
    (folder / "olist_sellers_dataset.csv").write_text("seller_id\n1\n")
    assert "sellers_dataset.csv'" not in refused(database, folder, MissingTableError).hint


def test_another_separator_is_guessed(database: Backend, folder: Path) -> None:
    path = folder / f"{ORDERS}.csv"
    path.write_text(path.read_text().replace(",", ";"))
    assert "separator" in refused(database, folder, MissingColumnError).hint


def test_a_table_that_is_there_twice_is_refused(database: Backend, folder: Path) -> None:
    path = folder / f"{ITEMS}.csv"
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert "has both" in refused(database, folder, SourceError).message


def test_a_folder_whose_name_is_a_pattern_is_one_folder(database: Backend, folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "ol?st")
    assert load(database, tmp_path / "ol?st").table.count().to_pyarrow().as_py() == 118
    assert folder.exists()


def test_an_offset_is_honoured(database: Backend, folder: Path) -> None:
    replace_in(folder, ORDERS, "2018-03-11 10:02:00", "2018-03-11 10:02:00+05:00")
    line = lines_of(load(database, folder), "o2")[0]
    assert line["ordered_at"] == datetime(2018, 3, 11, 5, 2)  # noqa: DTZ001


@pytest.mark.parametrize("new", ["2018-88-11 10:02:00", "3018-03-11 10:02:00"])
def test_empty_lines_do_not_move_the_place_of_a_bad_date(database: Backend, folder: Path, new: str) -> None:
    path = folder / f"{ORDERS}.csv"
    path.write_text(path.read_text().replace("o1,", "\n\no1,", 1).replace("2018-03-11 10:02:00", new, 1))
    error = refused(database, folder, BadValueError)
    assert f"order_purchase_timestamp is '{new}'" in error.message
    assert f"line {path.read_text().split(new)[0].count(chr(10)) + 1}:" in error.message


def test_a_bad_date_is_told_without_the_text_beside_it(database: Backend, folder: Path) -> None:
    replace_in(folder, REVIEWS, "2018-09-03 08:00:00", "2018-99-03 08:00:00")
    error = refused(database, folder, BadValueError)
    # Its row begins a line earlier: the comment before it spans two.
    assert error.message == f"{REVIEWS}.csv, line 6: review_answer_timestamp is '2018-99-03 08:00:00'"


def test_a_row_with_a_column_too_many_is_told_as_that(database: Backend, folder: Path) -> None:
    replace_in(folder, ORDERS, "o5,c5,", "o5,c5,x,")
    assert "too many columns" in refused(database, folder, BadValueError).message


def test_a_damaged_archive_is_refused(database: Backend, folder: Path) -> None:
    path = folder / f"{ITEMS}.csv"
    content = bytearray(gzip.compress(path.read_bytes(), compresslevel=0))
    place = content.index(b"22.50")
    content[place : place + 5] = b"92.50"
    path.with_suffix(".csv.gz").write_bytes(content)
    path.unlink()
    with pytest.raises(UnreadableFileError, match="CRC"):
        load(database, folder)


def test_empty_lines_do_not_move_the_place_that_is_told(database: Backend, folder: Path) -> None:
    path = folder / f"{ITEMS}.csv"
    path.write_text(path.read_text().replace("o3,1,", "\n\no3,1,", 1).replace("o9,2,p1,19.50", "o9,2,p1,-19.50"))
    error = refused(database, folder, BadValueError)
    assert "price is '-19.50'" in error.message
    assert f"line {path.read_text().splitlines().index('o9,2,p1,-19.50,3.25') + 1}:" in error.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "name it .csv.gz"),
        ("order_id\n1\n".encode("utf-16"), "UTF-16"),
        (b"\norder_id,price\n1,2\n", "must name the columns"),
        (b"order_id,order_item_id,product_id,price,Price,freight_value\n", "keep one"),
        (b"order_id,order_item_id,product_id,price,freight_value,\n", "name or remove"),
    ],
)
def test_what_a_file_is_instead_is_guessed(database: Backend, folder: Path, content: bytes, said: str) -> None:
    (folder / f"{ITEMS}.csv").write_bytes(content)
    with pytest.raises(SourceError) as error:
        load(database, folder)
    assert said in error.value.hint


def test_a_missing_column_is_named_with_the_nearest_one(database: Backend, folder: Path) -> None:
    replace_in(folder, ORDERS, "order_purchase_timestamp", "order_purchase_timestmp")
    error = refused(database, folder, MissingColumnError)
    assert error.message == "olist_orders_dataset.csv has no column 'order_purchase_timestamp'"
    assert error.hint == "did you mean 'order_purchase_timestmp'?"


@pytest.mark.parametrize(
    ("table", "old", "new", "column"),
    [
        (ORDERS, "2018-03-11 10:02:00", "2018-02-30 10:02:00", "order_purchase_timestamp"),
        (ORDERS, "2018-03-11 10:02:00", "11/03/2018 later", "order_purchase_timestamp"),
        (ORDERS, "2018-03-22 12:00:00", "rubbish", "order_delivered_customer_date"),
        (ORDERS, "2018-03-25 00:00:00", "rubbish", "order_estimated_delivery_date"),
        (ITEMS, "22.50", "twenty", "price"),
        (ITEMS, "22.50", "-22.50", "price"),
        (ITEMS, "22.50", "1e30", "price"),
        (ITEMS, "22.50", "inf", "price"),
        (ITEMS, ",2,p4,", ",2.5,p4,", "order_item_id"),
        (ORDERS, "2018-03-11 10:02:00", "infinity", "order_purchase_timestamp"),
        (ORDERS, "2018-03-11 10:02:00", "0001-01-01", "order_purchase_timestamp"),
        (ORDERS, "2018-03-22 12:00:00", "9999-12-31", "order_delivered_customer_date"),
        ("olist_order_payments_dataset", ",3,15.75", ",900000,15.75", "payment_installments"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_place(
    database: Backend, folder: Path, table: str, old: str, new: str, column: str
) -> None:
    line = replace_in(folder, table, old, new)
    error = refused(database, folder, BadValueError)
    assert error.message.startswith(f"{table}.csv, line {line}: {column} is ")
    assert new.strip(",").split(",")[0] in error.message


def test_an_empty_date_is_told_with_its_place(database: Backend, folder: Path) -> None:
    line = replace_in(folder, ORDERS, "2018-03-11 10:02:00", "")
    error = refused(database, folder, BadValueError)
    assert error.message.startswith(f"{ORDERS}.csv, line {line}: order_purchase_timestamp is ''")
    assert "must not be empty" in error.hint


def test_lines_are_counted_as_an_editor_counts_them(database: Backend, folder: Path) -> None:
    """A review's comment spans lines, so the record's number is not its line."""
    line = replace_in(folder, REVIEWS, "r20,o20,1,", "r20,o20,one,")
    error = refused(database, folder, BadValueError)
    assert f"line {line}: review_score is 'one'" in error.message
    assert line == 42


def test_a_cut_off_file_is_told_with_its_place(database: Backend, folder: Path) -> None:
    path = folder / f"{ITEMS}.csv"
    text = path.read_text()
    path.write_text(text[: text.rindex(",")])
    error = refused(database, folder, BadValueError)
    assert error.message == f"{ITEMS}.csv, line 117: the row has too few columns"


def test_a_file_in_another_encoding_is_told_with_its_line(database: Backend, folder: Path) -> None:
    path = folder / "olist_customers_dataset.csv"
    path.write_bytes(path.read_bytes().replace(b"c5,person5,porto", "c5,person5,são".encode("latin-1")))
    error = refused(database, folder, UnreadableFileError)
    assert error.message == "olist_customers_dataset.csv, line 7: byte 13 of the line is not UTF-8"
    assert "iconv" in error.hint


def test_binary_content_is_refused(database: Backend, folder: Path) -> None:
    (folder / "olist_products_dataset.csv").write_bytes(bytes(range(256)) * 10)
    refused(database, folder, UnreadableFileError)


@pytest.mark.parametrize("content", ["", "order_id,order_item_id,product_id,price,freight_value\n"])
def test_an_empty_file_is_refused(database: Backend, folder: Path, content: str) -> None:
    (folder / f"{ITEMS}.csv").write_text(content)
    assert ITEMS in refused(database, folder, EmptyTableError).message


def test_a_folder_with_nothing_in_it_is_refused(database: Backend, tmp_path: Path) -> None:
    assert "holds no CSV file" in refused(database, tmp_path, EmptyTableError).message


def test_a_folder_that_does_not_exist_is_refused(database: Backend, tmp_path: Path) -> None:
    assert "does not exist" in refused(database, tmp_path / "nowhere", MissingTableError).message


def repeat(folder: Path, table: str, row: str, *, old: str = "", new: str = "") -> tuple[int, int]:
    """Append a row once more, changed or not; gives both of its lines."""
    path = folder / f"{table}.csv"
    lines = path.read_text().splitlines()
    first = next(number for number, line in enumerate(lines, start=1) if line.startswith(row))
    again = lines[first - 1].replace(old, new)
    assert (again != lines[first - 1]) == bool(old)
    path.write_text("\n".join([*lines, again]) + "\n")
    return first, len(lines) + 1


@pytest.mark.parametrize("table", [ITEMS, ORDERS, "olist_order_payments_dataset"])
def test_a_row_that_stands_twice_counts_once_and_is_told(database: Backend, folder: Path, table: str) -> None:
    expected = sorted(map(str, load(database, folder).table.to_pyarrow().to_pylist()))
    start = {ITEMS: "o3,2,", ORDERS: "o4,", "olist_order_payments_dataset": "o5,2,"}[table]
    _, line = repeat(folder, table, start)
    with open_database(Settings()) as other:
        orders = load(other, folder)
        found = orders.table.to_pyarrow().to_pylist()
    assert sorted(map(str, found)) == expected
    duplicates = next(each for each in orders.cleaning if each.rule == "exact_duplicate")
    assert (duplicates.rows, duplicates.dropped) == (1, True)
    assert duplicates.example == f"{table}.csv, line {line}"


@pytest.mark.parametrize(
    ("table", "row", "old", "new", "key"),
    [
        (ITEMS, "o3,2,", "13.50", "14.50", "order_id and order_item_id"),
        (ORDERS, "o4,", "2018", "2017", "order_id"),
        ("olist_order_payments_dataset", "o5,2,", "18.75", "19.75", "order_id and payment_sequential"),
    ],
)
def test_two_rows_of_one_key_are_refused_with_both_lines(
    database: Backend, folder: Path, table: str, row: str, old: str, new: str, key: str
) -> None:
    first, again = repeat(folder, table, row, old=old, new=new)
    error = refused(database, folder, DuplicateRowError)
    assert error.message == f"{table}.csv, line {again}: the same {key} as on line {first}"
    assert row.split(",")[0] not in error.message.removeprefix(f"{table}.csv")


def test_a_column_that_stands_twice_is_refused(database: Backend, folder: Path) -> None:
    replace_in(folder, ORDERS, "order_status", "order_id")
    refused(database, folder, SourceError)
