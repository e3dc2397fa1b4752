"""Any table reads through a short mapping; whatever is wrong with either is told with its place."""

import gzip
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
from tests.training import retail_export
from tests.training.reading import counts, example, read, read_file, rows

ORDERS = """\
table: orders
columns: {customer_id: who, order_id: order, ordered_at: when, product_id: what, quantity: n, unit_price: price}
"""
HEADER = "who,order,when,what,n,price\n"


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
    ],
)  # fmt: skip
def test_money_is_read_as_shops_write_it(
    database: Backend, tmp_path: Path, written: str, decimal: str, value: str
) -> None:
    mapping = ORDERS + f'file: {{decimal: "{decimal}"}}\n'
    loaded = read(database, tmp_path, HEADER + f"a,1,2019-07-01,x,1,{written}\n", mapping)
    assert rows(loaded, "unit_price") == [(Decimal(value),)]


@pytest.mark.parametrize("written", ["12.50", "1.5", "1,2,3", "REF100"])
def test_a_number_of_another_decimal_sign_is_refused_not_multiplied(
    database: Backend, tmp_path: Path, written: str
) -> None:
    with pytest.raises(BadValueError, match="line 2: price is"):
        read(database, tmp_path, HEADER + f'a,1,2019-07-01,x,1,"{written}"\n', ORDERS + 'file: {decimal: ","}\n')


@pytest.mark.parametrize("written", ["1,5", "2.5.1", "two", "1,5 000", "REF100"])
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


def test_a_separator_that_is_not_the_mapping_s_is_guessed_at(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError) as refused:
        read(database, tmp_path, HEADER.replace(",", ";"), ORDERS)
    assert "file.separator" in refused.value.hint


def test_a_column_that_is_not_there_is_told_with_the_nearest(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match=r"orders\.csv has no column 'who'") as refused:
        read(database, tmp_path, HEADER.replace("who", "whom") + "a,1,2019-07-01,x,1,2\n", ORDERS)
    assert "did you mean 'whom'?" in refused.value.hint


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


def test_a_row_that_stands_in_two_files_counts_once(database: Backend, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(HEADER + f"{name},1,2019-07-01,x,1,2\nc,2,2019-07-01,x,1,2\n")
    loaded = read_file(database, tmp_path, ORDERS)
    assert counts(loaded) == {"exact_duplicate": 1}
    assert example(loaded, "exact_duplicate") == "b.csv, line 3"


def test_rows_that_differ_in_a_column_not_used_are_no_duplicates(database: Backend, tmp_path: Path) -> None:
    text = HEADER.replace("\n", ",line\n") + "a,1,2019-07-01,x,1,2,1\na,1,2019-07-01,x,1,2,2\n"
    assert counts(read(database, tmp_path, text, ORDERS)) == {}


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


def test_orders_that_their_status_cancels_count_as_cancelled(database: Backend, tmp_path: Path) -> None:
    text = HEADER.replace("\n", ",state\n") + "a,1,2019-07-01,x,1,2,VOID\nb,2,2019-07-01,x,1,2,done\n"
    mapping = ORDERS.replace("}", ", status: state}") + "cancelled: {status: [void]}\n"
    loaded = read(database, tmp_path, text, mapping)
    assert rows(loaded, "customer_id", "status") == [("a", "cancelled"), ("b", "done")]
    assert counts(loaded) == {"cancelled_order": 1}
    dropped = read(database, tmp_path, text, mapping, cleaning={"cancelled_order": "drop"})
    assert rows(dropped, "customer_id") == [("b",)]


moves = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 2)), min_size=1, max_size=14)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=moves)
def test_a_cancellation_takes_the_newest_purchase_before_it(
    database: Backend, tmp_path: Path, moves: list[tuple[int, bool, int]]
) -> None:
    """Beside a list that is read like brackets, for each number of pieces on its own."""
    ordered = sorted(enumerate(moves), key=lambda pair: (pair[1][0], pair[1][1], f"o{pair[0]:02d}"))
    open_, taken = {1: list[int](), 2: list[int]()}, set()
    for number, (_, cancels, pieces) in ordered:
        if not cancels:
            open_[pieces].append(number)
        elif open_[pieces]:
            taken.add(open_[pieces].pop())
    text = "".join(
        f"a,{'C' if cancels else ''}o{number:02d},2019-07-0{1 + day},x,{-pieces if cancels else pieces},2\n"
        for number, (day, cancels, pieces) in enumerate(moves)
    )
    loaded = read(database, tmp_path, HEADER + text, ORDERS + "cancelled: {order_id_prefix: C}\n")
    bought = {number for number, (_, cancels, _) in enumerate(moves) if not cancels}
    left = {int(order[0][1:]) for order in rows(loaded, "order_id")}
    # Purchases of one moment are one as good as another.
    assert len(left) == len(bought - taken)
    assert counts(loaded).get("cancelled_original", 0) == len(taken)


def test_a_cut_last_line_costs_one_row_and_is_told(database: Backend, tmp_path: Path) -> None:
    loaded = read(database, tmp_path, HEADER + "a,1,2019-07-01,x,1,2\nb,2,2019-0", ORDERS)
    assert counts(loaded) == {"truncated_last_line": 1}
    assert example(loaded, "truncated_last_line") == "orders.csv, line 3"
    assert loaded.read[0].rows == 2


def test_a_file_without_a_last_line_end_is_whole(database: Backend, tmp_path: Path) -> None:
    assert counts(read(database, tmp_path, HEADER + "a,1,2019-07-01,x,1,2", ORDERS)) == {}


def test_a_malformed_row_is_refused_with_its_line_or_dropped_and_counted(database: Backend, tmp_path: Path) -> None:
    text = HEADER + "a,1,2019-07-01,x,1,2\nb,2,2019-07-01\nc,3,2019-07-01,x,1,2,9,9\nd,4,2019-07-01,x,zero,2\n"
    with pytest.raises(BadValueError, match="line 3: the row has too few or too many columns"):
        read(database, tmp_path, text, ORDERS)
    rules = {"malformed_row": "drop", "unreadable_value": "drop"}
    loaded = read(database, tmp_path, text, ORDERS, cleaning=rules)
    assert counts(loaded) == {"malformed_row": 2, "unreadable_value": 1}
    assert example(loaded, "unreadable_value") == "orders.csv, line 5"
    assert loaded.read[0].rows == 4


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (",1,2019-07-01,x,1,2", "missing_customer"), ("a,,2019-07-01,x,1,2", "missing_order"),
        ("a,1,,x,1,2", "missing_date"), ("a,1,1969-07-01,x,1,2", "impossible_date"),
        ("a,1,2019-07-01,x,-1,2", "negative_quantity"), ("a,1,2019-07-01,x,0,2", "zero_quantity"),
        ("a,1,2019-07-01,x,1,", "missing_price"), ("a,1,2019-07-01,x,1,-2", "negative_price"),
        ("a,1,2019-07-01,x,1,0", "zero_price"),
    ],
)  # fmt: skip
def test_each_rule_finds_its_row_and_can_be_made_an_error(
    database: Backend, tmp_path: Path, row: str, rule: str
) -> None:
    text = HEADER + "b,9,2019-07-01,x,1,2\n" + row + "\n"
    loaded = read(database, tmp_path, text, ORDERS)
    assert counts(loaded) == {rule: 1}
    assert rows(loaded, "customer_id") == [("b",)]
    with pytest.raises(BadValueError, match=f"line 3: .*{rule}, 1 row"):
        read(database, tmp_path, text, ORDERS, cleaning={rule: "refuse"})


@pytest.mark.parametrize("rule", ["zero_price", "zero_quantity", "missing_price", "exact_duplicate"])
def test_rows_that_may_be_kept_are_kept_and_counted(database: Backend, tmp_path: Path, rule: str) -> None:
    row = {"zero_price": "1,0", "zero_quantity": "0,2", "missing_price": "1,", "exact_duplicate": "1,2"}[rule]
    text = HEADER + f"b,9,2019-07-01,x,1,2\nb,9,2019-07-01,x,{row}\n"
    loaded = read(database, tmp_path, text, ORDERS, cleaning={rule: "keep"})
    assert counts(loaded) == {rule: 1}
    assert len(rows(loaded)) == 2


def test_a_repeated_cancellation_takes_back_one_purchase(database: Backend, tmp_path: Path) -> None:
    bought = "a,1,2019-07-01,x,2,5\na,2,2019-07-02,x,2,5\n"
    (tmp_path / "a.csv").write_text(HEADER + bought + "a,C3,2019-07-03,x,-2,5\n")
    (tmp_path / "b.csv").write_text(HEADER + "a,C3,2019-07-03,x,-2,5\n")
    loaded = read_file(database, tmp_path, ORDERS + "cancelled: {order_id_prefix: C}\n")
    assert counts(loaded) == {"cancelled_line": 1, "exact_duplicate": 1, "cancelled_original": 1}
    assert rows(loaded, "order_id") == [("1",)]


@pytest.mark.parametrize("cancelled", ["-2", "2"])
def test_a_cancellation_by_its_id_takes_its_original_whatever_its_sign(
    database: Backend, tmp_path: Path, cancelled: str
) -> None:
    text = HEADER + f"a,1,2019-07-01,x,2,5\na,C3,2019-07-03,x,{cancelled},5\nb,4,2019-07-03,x,2,5\n"
    loaded = read(database, tmp_path, text, ORDERS + "cancelled: {order_id_prefix: C}\n")
    assert rows(loaded, "order_id") == [("4",)]


def test_columns_in_another_order_are_the_same_row(database: Backend, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "a,1,2019-07-01,x,2,5\n")
    (tmp_path / "b.csv").write_text("price,n,what,when,order,who\n5,2,x,2019-07-01,1,a\n")
    assert counts(read_file(database, tmp_path, ORDERS)) == {"exact_duplicate": 1}


def test_every_malformed_row_is_counted_however_many(database: Backend, tmp_path: Path) -> None:
    text = HEADER + "x,y\n" * 60_000 + "a,1,2019-07-01,x,2,5\n"
    loaded = read(database, tmp_path, text, ORDERS, cleaning={"malformed_row": "drop"})
    assert counts(loaded) == {"malformed_row": 60_000}
    assert loaded.read[0].rows == 60_001


def test_a_malformed_row_within_is_no_cut_last_line(database: Backend, tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="line 2: the row has too few"):
        read(database, tmp_path, HEADER + 'x,y\na,1,2019-07-01,5" s,2,5', ORDERS)


@pytest.mark.parametrize("end", ["\n", ""])
def test_an_open_quotation_mark_never_swallows_the_rest(database: Backend, tmp_path: Path, end: str) -> None:
    lines = [f"a,{number},2019-07-01,x,2,5" for number in range(50)]
    lines[9] = lines[9].replace(",x", ',"x')
    for rule in ("drop", "refuse"):
        with pytest.raises(BadValueError, match="line 11: a quotation mark is not closed"):
            read(database, tmp_path, HEADER + "\n".join(lines) + end, ORDERS, cleaning={"malformed_row": rule})


def test_a_list_of_one_needs_no_brackets_and_what_is_in_no_row_is_said(database: Backend, tmp_path: Path) -> None:
    text = HEADER.replace("\n", ",state\n") + "a,1,2019-07-01,x,2,5,void\nb,2,2019-07-01,POST,2,5,done\n"
    mapping = ORDERS.replace("}", ", status: state}") + "cancelled: {status: viod}\nnot_products: POST\n"
    loaded = read(database, tmp_path, text, mapping)
    assert counts(loaded) == {"not_a_product": 1}
    assert loaded.notes == ("cancelled.status: no row has 'viod'",)


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
    frame.assign(price=[5.0, 1e30]).to_parquet(path)
    with pytest.raises(BadValueError, match=r"row 2: price is '1e\+?30'"):
        read_file(database, path, ORDERS)


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


PEOPLE = """\
table: profiles
file: {missing: ["?"]}
columns: {customer_id: id}
numbers:
  income: {column: [Income, income k$], unit: k$}
  visits: Visits
  age: {column: Age, unit: years, personal: true}
"""


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


@pytest.mark.parametrize(
    ("cleaning", "said"),
    [
        ({"exact_duplicat": "drop"}, "no cleaning rule"),
        ({"missing_customer": "keep"}, "cannot be keep"),
        ({"cancelled_line": "keep"}, "cannot be keep"),
    ],
)
def test_a_rule_that_is_none_or_cannot_be_so_is_refused(
    database: Backend, tmp_path: Path, cleaning: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(database, tmp_path, HEADER, ORDERS, cleaning=cleaning)


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
