"""What a model's SQL may do in the service: compute features of the orders given, for a limited time, and no more."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from segmentation import history_engine
from segmentation.errors import InconsistentModelError, InvalidFieldError, QueryLimitError
from segmentation.features import ORDER_FEATURES, compile_sql
from segmentation.golden import canonical_rows
from segmentation.histories import History, HistoryQuery
from segmentation.tables import ORDERS
from tests.histories import AS_OF_DATE, FILLS, line


def query(feature: str) -> HistoryQuery:
    """A model whose only feature is an expression over the orders."""
    return HistoryQuery(
        ORDERS, f"SELECT customer_id, {feature} AS feature FROM orders GROUP BY customer_id", ["feature"]
    )


ONE = [History(0, AS_OF_DATE, canonical_rows(ORDERS, [line("a", "2024-06-01T00:00:00")]))]


def test_a_feature_over_the_orders_is_computed() -> None:
    positions, features = query("sum(unit_price)::DOUBLE").run(ONE)
    assert (positions, features.tolist()) == ([0], [[10.0]])


def test_files_are_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(InconsistentModelError, match="cannot be run"):
        query(f"(SELECT max(a) FROM read_csv('{tmp_path}/secret.csv'))::DOUBLE")


@pytest.mark.parametrize(
    "sql",
    [
        "SET threads = 8",
        "ATTACH 'x.db'",
        "SELECT 1) ; DROP TABLE orders; SELECT * FROM (SELECT 1",
        "SELECT 1; SELECT 2",
        "COPY orders TO 'x.csv'",
        "",
    ],
)
def test_anything_but_one_select_is_refused(sql: str) -> None:
    with pytest.raises(InconsistentModelError):
        HistoryQuery(ORDERS, sql, ["feature"])


def test_the_configuration_is_locked() -> None:
    connection = query("1::DOUBLE")._open()._open().get()
    with pytest.raises(Exception, match="locked"):
        connection.execute("SET memory_limit = '100GB'")


def test_a_query_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = query(
        "(SELECT count(*) FROM orders o, range(1000000) a, range(1000000) b "
        "WHERE hash(o.quantity + a.range + b.range) = 0)::DOUBLE"
    )
    monkeypatch.setattr(history_engine, "TIME_LIMIT_SECONDS", 0.2)
    with pytest.raises(QueryLimitError, match=r"within 0\.2 s"):
        endless.run(ONE)
    with pytest.raises(QueryLimitError):
        endless.run(ONE)


def test_numbers_that_cannot_be_added_up_are_told_without_them() -> None:
    with pytest.raises(InvalidFieldError) as refused:
        query("(sum(quantity) * 1e38::DECIMAL(38, 0))::DOUBLE").run(ONE)
    assert "add" in refused.value.message


def test_large_batches_wait_for_each_other_instead_of_running_out_of_memory() -> None:
    features = ORDER_FEATURES
    served = HistoryQuery(ORDERS, compile_sql(ORDERS, features, FILLS), [feature.name for feature in features])
    lines = canonical_rows(ORDERS, [line(str(number), "2024-06-01T00:00:00") for number in range(100)])
    batch = [History(number, AS_OF_DATE, lines) for number in range(600)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: len(served.run(batch)[0]), range(8)))
    assert answers == [600] * 8


def test_nobody_s_orders_stay_behind() -> None:
    counting = query("(SELECT count(*) FROM orders)::DOUBLE")
    for _ in range(3):
        assert counting.run(ONE)[1].tolist() == [[1.0]]
