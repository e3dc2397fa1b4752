"""A customer counts once a day, and once a week where weeks are asked for, whoever asks and however many at once."""

from pathlib import Path

import pytest

from service.drift import seen
from service.drift.seen import COUNTED, DAY_SECONDS, FIRST_OF_WEEK, FORGETFUL, REPEATED, Seen

ALICE, BOB = "alice", "bob"


class Clock:
    def __init__(self) -> None:
        self.days = 20_000.5

    def __call__(self) -> float:
        return self.days * DAY_SECONDS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("at_once", [False, True])
def test_days_and_weeks_go_by(clock: Clock, at_once: bool) -> None:
    table = Seen("", clock)

    def meet(customer: str) -> int:
        return int(table.meet_all([customer])[0]) if at_once else table.meet(customer)

    assert [meet(ALICE), meet(ALICE), meet(BOB)] == [FIRST_OF_WEEK, REPEATED, FIRST_OF_WEEK]
    found = []
    for _ in range(14):
        clock.days += 1
        found.append(meet(ALICE))
        assert meet(ALICE) == REPEATED
    assert found == ([COUNTED] * 6 + [FIRST_OF_WEEK]) * 2
    assert meet(BOB) == FIRST_OF_WEEK


def test_many_at_once_are_found_as_one_after_the_other(clock: Clock) -> None:
    one, many = Seen("", clock), Seen("", clock)
    batches = [[str(number % 700) for number in range(first, first + 1000)] for first in (0, 300, 5_000)]
    for customers in batches:
        assert many.meet_all(customers).tolist() == [one.meet(customer) for customer in customers]
        clock.days += 1


def test_7_and_its_text_are_one_customer_and_who_has_no_id_is_always_new(clock: Clock) -> None:
    table = Seen("", clock)
    found = table.meet_all([7, "7", None, None, "8", 8]).tolist()
    assert found == [FIRST_OF_WEEK, REPEATED, FIRST_OF_WEEK, FIRST_OF_WEEK, FIRST_OF_WEEK, REPEATED]
    assert table.meet(7) == REPEATED


def test_workers_of_an_instance_know_each_other_s_customers(tmp_path: Path, clock: Clock) -> None:
    one, other = Seen(str(tmp_path), clock), Seen(str(tmp_path), clock)
    assert [one.meet(ALICE), other.meet(ALICE)] == [FIRST_OF_WEEK, REPEATED]
    assert other.meet_all([ALICE, BOB]).tolist() == [REPEATED, FIRST_OF_WEEK]
    assert one.meet(BOB) == REPEATED


@pytest.mark.parametrize("at_once", [False, True])
def test_where_there_is_no_room_nobody_is_left_out_and_it_is_told(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    monkeypatch.setattr(seen, "BUCKETS", 16)
    table = Seen("", clock)
    customers = [f"customer-{number}" for number in range(200)]
    found = table.meet_all(customers).tolist() if at_once else [table.meet(customer) for customer in customers]
    assert set(found) == {FIRST_OF_WEEK, FORGETFUL}
    # 16 buckets of four; some stay empty by chance, none holds more.
    assert 40 <= found.count(FIRST_OF_WEEK) <= 64
    clock.days += seen.WEEK_DAYS
    assert table.meet("somebody else") == FIRST_OF_WEEK


def test_of_a_quarter_of_a_million_customers_a_week_nearly_all_fit(clock: Clock) -> None:
    table = Seen("", clock)
    found = table.meet_all([f"customer-{number}" for number in range(260_000)])
    assert (found == REPEATED).sum() == 0
    # docs/monitoring.md says so.
    assert (found == FORGETFUL).mean() == pytest.approx(0.037, abs=0.003)
