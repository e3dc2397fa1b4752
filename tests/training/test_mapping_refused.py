"""Whatever is wrong with a mapping or with what it reads is told with its place."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from segmentation.errors import (
    BadValueError,
    ConfigurationError,
    DuplicateRowError,
    EmptyTableError,
    MissingColumnError,
    MissingTableError,
    SourceError,
    UnreadableFileError,
)
from segmentation.tables import Interval
from tests.training.reading import HEADER, ORDERS, counts, read, read_file, rows

PEOPLE = """\
table: profiles
file: {missing: ["?"]}
columns: {customer_id: id}
numbers:
  income: {column: [Income, income k$], unit: k$}
  visits: Visits
  age: {column: Age, unit: years, personal: true}
"""


@pytest.mark.parametrize("written", ["12.50", "1.5", "1,2,3", "REF100", "12 50"])
def test_a_number_of_another_decimal_sign_is_refused_not_multiplied(
    database: Backend, tmp_path: Path, written: str
) -> None:
    with pytest.raises(BadValueError, match="line 2: price is"):
        read(database, tmp_path, HEADER + f'a,1,2019-07-01,x,1,"{written}"\n', ORDERS + 'file: {decimal: ","}\n')


@pytest.mark.parametrize("written", ["1,5", "2.5.1", "two", "1,5 000", "REF100", "12 50", "3 4", "1£50"])
def test_a_number_that_is_none_is_told_with_line_column_and_value(
    database: Backend, tmp_path: Path, written: str
) -> None:
    text = HEADER + f'a,1,2019-07-01,"two\nlines",1,2\nb,2,2019-07-01,x,1,"{written}"\n'
    with pytest.raises(BadValueError) as refused:
        read(database, tmp_path, text, ORDERS)
    assert refused.value.message == f"orders.csv, line 4: price is {written!r}"
    assert "file.missing" in refused.value.hint


def test_a_date_in_another_format_is_told_with_what_to_set(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match=r"line 2: when is '13/07/2019' \(2 such rows\)") as refused:
        read(database, tmp_path, HEADER + "a,1,13/07/2019,x,1,2\nb,2,14/07/2019,x,1,2\n", ORDERS)
    assert "file.date_format" in refused.value.hint


def test_a_separator_that_is_not_the_mapping_s_is_guessed_at(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError) as refused:
        read(database, tmp_path, HEADER.replace(",", ";"), ORDERS)
    assert "file.separator" in refused.value.hint


def test_a_column_that_is_not_there_is_told_with_the_nearest(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match=r"orders\.csv has no column 'who'") as refused:
        read(database, tmp_path, HEADER.replace("who", "whom") + "a,1,2019-07-01,x,1,2\n", ORDERS)
    assert "did you mean 'whom'?" in refused.value.hint


def test_an_empty_mapping_is_told(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="it lacks the required field `table`"):
        read(database, tmp_path, HEADER, "")


def test_a_value_of_parquet_is_refused_with_its_row(database: Backend, tmp_path: Path) -> None:
    path = tmp_path / "orders (1).parquet"
    frame = pd.DataFrame({"who": ["a", "b"], "order": [1, 2], "when": ["2019-07-01"] * 2, "what": ["x", "y"],
                          "n": [1, 1], "price": ["5", "five"]})  # fmt: skip
    frame.to_parquet(path)
    with pytest.raises(BadValueError, match=r"orders \(1\)\.parquet, row 2: price is 'five'"):
        read_file(database, path, ORDERS)
    # A column may bear the name that DuckDB gives to the number of a row.
    frame.assign(price=[5.0, 1e30], file_row_number=[7, 8]).to_parquet(path)
    with pytest.raises(BadValueError, match=r"row 2: price is '1e\+?30'"):
        read_file(database, path, ORDERS)


def test_a_first_line_that_is_a_customer_s_is_not_told(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError) as refused:
        read(database, tmp_path, "anna@example.org,1,2019-07-01,x,2,5\n", ORDERS)
    assert "anna" not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize("cut", [0.4, 0.9])
def test_a_compressed_file_that_is_cut_off_is_damaged(database: Backend, tmp_path: Path, cut: float) -> None:
    content = gzip.compress((HEADER + "a,1,2019-07-01,x,2,5\n" * 2000).encode("latin-1"))
    for mapping in (ORDERS, ORDERS + "file: {encoding: latin-1}\n"):
        with pytest.raises(UnreadableFileError, match="is damaged"):
            read(database, tmp_path, content[: int(len(content) * cut)], mapping, name="orders.csv.gz")


def test_numbers_that_enter_by_their_logarithm_are_not_negative(database: Backend, tmp_path: Path) -> None:
    mapping = "table: profiles\ncolumns: {customer_id: id}\nnumbers: {visits: {column: Visits, transform: log1p}}\n"
    with pytest.raises(BadValueError, match="line 3: Visits is '-1'"):
        read(database, tmp_path, "id,Visits\n1,3\n2,-1\n", mapping)
    assert read(database, tmp_path, "id,Visits\n1,3\n", mapping).catalogue[0].valid == Interval(0)


def test_a_customer_table_becomes_numbers_and_personal_ones_are_asked_for_by_name(
    database: Backend, tmp_path: Path
) -> None:
    text = "id,income k$,Visits,Age,Gender\n1,20,3,40,F\n2,?,4,50,M\n"
    loaded = read(database, tmp_path, text, PEOPLE)
    assert (loaded.shape.names, loaded.ignored) == (("customer_id", "income", "visits"), ("age",))
    assert rows(loaded) == [("1", 20.0, 3.0), ("2", None, 4.0)]
    assert loaded.read[0].not_used == ("Age", "Gender")
    asked = read(database, tmp_path, text, PEOPLE, features=("income", "age"))
    assert rows(asked, "customer_id", "age") == [("1", 40.0), ("2", 50.0)]


def test_a_customer_twice_with_other_values_is_refused_and_without_is_one(database: Backend, tmp_path: Path) -> None:
    header = "id,Income,Visits,Age\n"
    assert counts(read(database, tmp_path, header + "1,2,3,4\n1,2,3,4\n", PEOPLE)) == {"exact_duplicate": 1}
    with pytest.raises(DuplicateRowError, match="line 3: a second row of the same customer"):
        read(database, tmp_path, header + "1,2,3,4\n1,9,3,4\n", PEOPLE)


@pytest.mark.parametrize("value", ["inf", "nan", "1e13"])
def test_a_number_that_no_model_can_take_is_refused(database: Backend, tmp_path: Path, value: str) -> None:
    with pytest.raises(BadValueError, match="line 2: Income is"):
        read(database, tmp_path, f"id,Income,Visits,Age\n1,{value},3,4\n", PEOPLE)


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("table: orders\ncolums: {}\n", "line 2: unknown key 'colums'"),
        ("table: ordrs\n", "table"),
        ("columns: {}\n", "table"),
        ("table: orders\ncolumns: {custmer_id: a}\n", "no column 'custmer_id'"),
        ("table: orders\nfile: {encoding: utf-9}\n", "no encoding 'utf-9'"),
        ("table: orders\nfile: {timezone: Europe/Lundun}\n", "no time zone"),
        ("table: orders\nfile: {separator: ab}\n", "line 2: file.separator"),
        ("table: orders\nnumbers: {a: b}\n", "numbers does not go with table: orders"),
        ("table: events\nnot_products: [a]\n", "not_products does not go with table: events"),
        ("table: orders\ncolumns: {amount: a, unit_price: b}\n", "both amount and unit_price"),
        ("table: profiles\ncolumns: {customer_id: a}\n", "numbers is empty"),
        ("table: profiles\nnumbers: {Big Name: a}\n", "cannot be a feature's name"),
        ("table: profiles\nnumbers: {a: {colum: b}}\n", "unknown key 'numbers.a.colum'"),
        ("table: [\n", "this is not YAML"),
        ("table: orders\ncolumns: {amount: a, payment_value: b}\n", "both amount and payment_value"),
        ("table: orders\ncolumns: {order_id: []}\n", "columns"),
        ("table: events\nevent_types: {buy: purchse}\n", "event_types"),
        ("table: orders\nfile: {date_format: '%Q'}\n", "is no format"),
        ("table: orders\nfile: {date_format: ''}\n", "names no part of a date"),
        ("table: orders\nfile: {timezone: localtime}\n", "no time zone"),
        ("table: orders\nfile: {encoding: undefined}\n", "no encoding"),
        ("table: profiles\nnumbers: {rule: a}\n", "cannot be a feature's name"),
        ("table: profiles\nnumbers: {_x: a}\n", "cannot be a feature's name"),
    ],
)
def test_a_mapping_that_says_what_cannot_be_is_refused(
    database: Backend, tmp_path: Path, mapping: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(database, tmp_path, HEADER, mapping)
    assert said in refused.value.message


def test_what_data_means_nothing_is_told(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match="does not exist"):
        read_file(database, tmp_path / "nowhere.csv", ORDERS)
    with pytest.raises(MissingTableError, match="no file is called"):
        read_file(database, f"{tmp_path}/*.csv", ORDERS)
    with pytest.raises(EmptyTableError, match="holds no CSV or Parquet file"):
        read_file(database, tmp_path, ORDERS)
    (tmp_path / "orders.xlsx").write_bytes(b"PK")
    with pytest.raises(SourceError, match="of no kind that is read"):
        read_file(database, tmp_path / "orders.xlsx", ORDERS)
    (tmp_path / "a.csv").write_text(HEADER)
    with pytest.raises(EmptyTableError, match="has a header and no rows"):
        read_file(database, tmp_path / "a.csv", ORDERS)
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(UnreadableFileError, match="not Parquet"):
        read_file(database, tmp_path / "b.parquet", ORDERS)
    with pytest.raises(SourceError, match="both CSV and Parquet"):
        read_file(database, tmp_path, ORDERS)


def test_files_that_do_not_fit_together_are_refused(database: Backend, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "a,1,2019-07-01,x,1,2\n")
    (tmp_path / "b.csv").write_text("who,order,when,category\nb,2,2019-07-01,toys\n")
    mapping = "table: orders\ncolumns: {customer_id: who, order_id: order, ordered_at: when}\n"
    with pytest.raises(SourceError, match=r"a\.csv and b\.csv have not the same columns: only one has category"):
        read_file(database, tmp_path, mapping)


@pytest.mark.parametrize(("first", "other"), [("\n", "\r\n"), ("\r\n", "\n"), ("\n", "\r")])
def test_line_ends_of_two_kinds_are_told_with_the_first_such_line(
    database: Backend, tmp_path: Path, first: str, other: str
) -> None:
    lines = [HEADER.strip(), 'a,1,2019-07-01,"x\r\ny\nz",1,2', "b,2,2019-07-01,x,1,2"]
    text = first.join([*lines, ""]) + "c,3,2019-07-01,x,1,2" + other + "d,4,2019-07-01,x,1,2" + first
    with pytest.raises(UnreadableFileError, match=r"orders\.csv, line 6: the line ends in"):
        read(database, tmp_path, text.encode(), ORDERS)


def test_what_follows_a_compressed_file_makes_it_damaged(database: Backend, tmp_path: Path) -> None:
    content = gzip.compress((HEADER + "a,1,2019-07-01,x,2,5\n").encode())
    with pytest.raises(UnreadableFileError, match="is damaged"):
        read(database, tmp_path, content + bytes(100), ORDERS, name="orders.csv.gz")


def test_a_number_out_of_range_says_how_to_go_on(database: Backend, tmp_path: Path) -> None:
    text = "who,order,when,total\na,1,2019-07-01,10\na,2,2019-07-02,-5\n"
    mapping = "table: orders\ncolumns: {customer_id: who, order_id: order, ordered_at: when, payment_value: total}\n"
    with pytest.raises(BadValueError, match="line 3: total is '-5'") as refused:
        read(database, tmp_path, text, mapping)
    assert "cleaning.out_of_range" in refused.value.hint
    assert counts(read(database, tmp_path, text, mapping, cleaning={"out_of_range": "drop"})) == {"out_of_range": 1}


def test_a_name_that_is_not_utf_8_is_told(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"b\\udce9d\.csv is not UTF-8"):
        read(database, tmp_path, HEADER + "a,1,2019-07-01,x,1,2\n", ORDERS, name="b\udce9d.csv")
