"""Every row is kept, or found by one rule that is counted, placed, and done with as the configuration says."""

from itertools import permutations
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from segmentation.errors import (
    BadValueError,
    ConfigurationError,
)
from tests.training.reading import HEADER, ORDERS, counts, example, read, read_file, rows

moves = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 2)), min_size=1, max_size=14)


def test_a_row_that_stands_in_two_files_counts_once(database: Backend, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(HEADER + f"{name},1,2019-07-01,x,1,2\nc,2,2019-07-01,x,1,2\n")
    loaded = read_file(database, tmp_path, ORDERS)
    assert counts(loaded) == {"exact_duplicate": 1}
    assert example(loaded, "exact_duplicate") == "b.csv, line 3"


def test_rows_that_differ_in_a_column_not_used_are_no_duplicates(database: Backend, tmp_path: Path) -> None:
    text = HEADER.replace("\n", ",line\n") + "a,1,2019-07-01,x,1,2,1\na,1,2019-07-01,x,1,2,2\n"
    assert counts(read(database, tmp_path, text, ORDERS)) == {}


def test_orders_that_their_status_cancels_count_as_cancelled(database: Backend, tmp_path: Path) -> None:
    text = HEADER.replace("\n", ",state\n") + "a,1,2019-07-01,x,1,2,VOID\nb,2,2019-07-01,x,1,2,done\n"
    mapping = ORDERS.replace("}", ", status: state}") + "cancelled: {status: [void]}\n"
    loaded = read(database, tmp_path, text, mapping)
    assert rows(loaded, "customer_id", "status") == [("a", "cancelled"), ("b", "done")]
    assert counts(loaded) == {"cancelled_order": 1}
    dropped = read(database, tmp_path, text, mapping, cleaning={"cancelled_order": "drop"})
    assert rows(dropped, "customer_id") == [("b",)]


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


def test_a_cancellation_takes_its_original_where_the_amount_bears_the_sign(database: Backend, tmp_path: Path) -> None:
    text = "who,order,when,what,cost\na,1,2019-07-01,x,10\na,C2,2019-07-03,x,-10\nb,3,2019-07-03,x,10\n"
    columns = "{customer_id: who, order_id: order, ordered_at: when, product_id: what, amount: cost}"
    loaded = read(database, tmp_path, text, f"table: orders\ncolumns: {columns}\ncancelled: {{order_id_prefix: C}}\n")
    assert counts(loaded) == {"cancelled_line": 1, "cancelled_original": 1}
    assert rows(loaded, "order_id") == [("3",)]


def test_places_are_right_where_blank_lines_and_malformed_rows_come_before(database: Backend, tmp_path: Path) -> None:
    text = HEADER + '\n\na,1,2019-07-01,"x\ny",1,2\n\nb,2\n\nc,3,2019-07-01,x,zero,2\n'
    with pytest.raises(BadValueError, match="line 9: n is 'zero'"):
        read(database, tmp_path, text, ORDERS, cleaning={"malformed_row": "drop"})
    loaded = read(database, tmp_path, text, ORDERS, cleaning={"malformed_row": "drop", "unreadable_value": "drop"})
    assert example(loaded, "malformed_row") == "orders.csv, line 7"
    assert example(loaded, "unreadable_value") == "orders.csv, line 9"


def test_columns_in_another_order_are_the_same_row(database: Backend, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "a,1,2019-07-01,x,2,5\n")
    (tmp_path / "b.csv").write_text("price,n,what,when,order,who\n5,2,x,2019-07-01,1,a\n")
    assert counts(read_file(database, tmp_path, ORDERS)) == {"exact_duplicate": 1}


def test_a_row_is_the_same_where_a_frame_made_fractions_of_its_numbers(database: Backend, tmp_path: Path) -> None:
    row = {"who": "a", "order": 1, "when": "2019-07-01", "what": 7, "n": 1, "price": 2, "not_used": 3}
    other = row | {"who": "b", "what": None, "not_used": None}
    pd.DataFrame([row]).to_parquet(tmp_path / "jan.parquet")
    pd.DataFrame([row, other]).to_parquet(tmp_path / "feb.parquet")
    assert counts(read_file(database, tmp_path, ORDERS)) == {"exact_duplicate": 1}
    pd.DataFrame([row | {"not_used": 4}, other]).to_parquet(tmp_path / "feb.parquet")
    assert counts(read_file(database, tmp_path, ORDERS)) == {}
    pd.DataFrame([row | {"not_used": 2**60}, row | {"not_used": 2**60 + 1}]).to_parquet(tmp_path / "jan.parquet")
    assert counts(read_file(database, tmp_path, ORDERS)) == {}


def test_which_purchase_is_taken_back_does_not_depend_on_the_order_of_rows(database: Backend, tmp_path: Path) -> None:
    lines = [f"a,1,2019-07-01,x,1,2,{kind}\n" for kind in ("toys", "books", "music")] + ["a,C2,2019-07-02,x,-1,2,\n"]
    mapping = ORDERS.replace("}", ", category: kind}") + "cancelled: {order_id_prefix: C}\n"
    found = [
        rows(read(database, tmp_path, HEADER.replace("\n", ",kind\n") + "".join(some), mapping), "category")
        for some in permutations(lines)
    ]
    assert all(each == found[0] for each in found)
    assert len(found[0]) == 2


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
