"""An analysis follows its plan, says what it finds, and refuses what cannot be believed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.errors import PlanMismatchError, SampleRatioError, TooEarlyError
from segmentation.errors import BadValueError, DuplicateRowError, InputError, MissingColumnError, MissingTableError
from tests.campaigns.experiments import DESCRIPTION, ORDERED, OUTCOMES, Desk, failed

EVENTS = DESCRIPTION.replace("  column: ordered\n", "  when: ordered_at\n  absent: zero\n")
SPENT = """
name: spending
arms: {control: 0.5, free_shipping: 0.5}
metric: {kind: mean, column: amount, when: ordered_at, absent: zero, baseline: 5, standard_deviation: 20,
         smallest_lift: 0.3}
window: {starts: 2026-01-05, ends: 2026-02-01}
"""


def result_of(desk: Desk) -> Any:
    return json.loads((desk.folder / "result" / "analysis.json").read_text())


def test_a_planted_lift_is_found_in_all_and_in_each_segment(desk: Desk) -> None:
    desk.assign()
    outcomes = desk.outcomes(OUTCOMES)
    result = desk.analyse(outcomes, "--out", desk.folder / "result")
    assert result.exception is None
    found = result_of(desk)
    assert found["decisions"][0]["outcome"] == "better"
    assert found["peeked_days"] == 0
    assert found["sample_ratio"]["matches"]
    pooled = found["pooled"][0]
    assert pooled["lift_low"] < 0.5 < pooled["lift_high"]
    assert [row["segment_id"] for row in found["segments"]] == [0, 3, 7]
    assert all(row["low"] <= row["control_mean"] * 0.5 <= row["high"] for row in found["segments"])
    assert "better: free_shipping does better than control" in result.output


def test_results_are_the_same_bytes_for_any_order_of_rows_and_tell_of_no_customer(desk: Desk) -> None:
    desk.assign(SPENT + "analysis: {covariate: frequency}\n")
    select = (
        "SELECT customer_id, TIMESTAMPTZ '2026-01-10 00:00:00+00' + INTERVAL (i) HOUR AS ordered_at, "
        "(hash(customer_id) % 100000) / 7.0 / (i + 1) AS amount FROM m, range(3) t(i) WHERE hash(customer_id) % 5 = 0"
    )
    files = []
    for name, order in (("one.parquet", "hash(customer_id)"), ("two.csv", "amount DESC")):
        outcomes = desk.outcomes(f"{select} ORDER BY {order}", name)
        result = desk.analyse(outcomes, "--out", desk.folder / "result")
        assert result.exception is None
        assert "customer-" not in result.output
        written = {file.name: file.read_bytes() for file in sorted((desk.folder / "result").iterdir())}
        assert set(written) == {"analysis.json", "effects.png", "result.html"}
        assert all(b"customer-" not in content for content in written.values())
        files.append(written)
    assert files[0] == files[1]


def test_nothing_is_decided_before_the_planned_end(desk: Desk) -> None:
    desk.assign()
    outcomes = desk.outcomes(OUTCOMES)
    last_day = datetime(2026, 2, 1, 23, tzinfo=UTC)
    early = desk.analyse(outcomes, "--out", desk.folder / "result", when=last_day)
    assert isinstance(failed(early), TooEarlyError)
    assert not (desk.folder / "result").exists()
    peeked = desk.analyse(outcomes, "--out", desk.folder / "result", "--peek", when=last_day)
    assert peeked.exception is None
    found = result_of(desk)
    assert found["peeked_days"] == 1
    assert found["decisions"][0]["outcome"] == "none"
    assert "before the planned end" in found["notes"][0]
    assert "before the planned end" in (desk.folder / "result" / "result.html").read_text()
    assert desk.analyse(outcomes, when=datetime(2026, 2, 2, tzinfo=UTC)).exception is None


def test_events_outside_the_window_and_of_strangers_do_not_count(desk: Desk) -> None:
    desk.assign(EVENTS)
    everybody = "SELECT customer_id, TIMESTAMPTZ '{} 12:00:00+00' AS ordered_at FROM m WHERE {}"
    treated = "arm = 'free_shipping' AND hash(customer_id) % 3 > 0"
    outcomes = desk.outcomes(
        everybody.format("2026-02-01", ORDERED)
        + " UNION ALL "
        + everybody.format("2026-01-04", treated)
        + " UNION ALL "
        + everybody.format("2026-02-02", treated)
        + " UNION ALL SELECT 'stranger', TIMESTAMPTZ '2026-01-10 00:00:00+00'"
    )
    assert desk.analyse(outcomes, "--out", desk.folder / "result").exception is None
    by_event = result_of(desk)
    assert by_event["outcomes"]["strangers"] == 1
    assert by_event["outcomes"]["outside"] > 9000
    assert by_event["pooled"][0]["control_mean"] < 0.12
    assert by_event["pooled"][0]["mean"] < 0.18


def test_arms_of_wrong_sizes_stop_the_analysis(desk: Desk) -> None:
    desk.assign(DESCRIPTION.replace("  column: ordered\n", "  column: ordered\n  absent: drop\n"))
    # A tracker that loses 4 % of the treated.
    outcomes = desk.outcomes(f"{OUTCOMES} WHERE arm = 'control' OR hash(customer_id || 'lost') % 25 > 0")
    stopped = desk.analyse(outcomes, "--out", desk.folder / "result")
    assert isinstance(failed(stopped), SampleRatioError)
    assert not (desk.folder / "result").exists()
    shown = desk.analyse(outcomes, "--out", desk.folder / "result", "--despite-mismatch")
    assert shown.exception is None
    found = result_of(desk)
    assert not found["sample_ratio"]["matches"]
    assert found["decisions"][0]["outcome"] == "none"
    both = desk.outcomes(f"{OUTCOMES} WHERE hash(customer_id || 'lost') % 25 > 0", "both.csv")
    assert desk.analyse(both).exception is None


def test_a_covariate_is_used_where_it_varies_and_its_absence_is_told(desk: Desk) -> None:
    desk.assign(SPENT + "analysis: {covariate: frequency}\n")
    outcomes = desk.outcomes(
        "SELECT m.customer_id, TIMESTAMPTZ '2026-01-10 00:00:00+00' AS ordered_at, "
        "covariate * 10 + hash(customer_id) % 10 AS amount FROM m"
    )
    result = desk.analyse(outcomes, "--out", desk.folder / "result")
    assert result.exception is None
    used = {row["segment_id"]: row["used"] for row in result_of(desk)["adjustments"]}
    assert used == {0: False, 3: True, 7: True}
    assert "one order" in " ".join(result.output.split())


def test_no_effect_is_told_as_one_that_is_ruled_out_or_not(desk: Desk) -> None:
    desk.assign()
    same = "SELECT customer_id, CAST(hash(customer_id || 'y') % 1000 < {} AS INTEGER) AS ordered FROM m"
    for often, outcome in ((300, "no lift worth having"), (8, "not decided")):
        outcomes = desk.outcomes(same.format(often))
        assert desk.analyse(outcomes, "--out", desk.folder / "result").exception is None
        assert result_of(desk)["decisions"][0]["outcome"] == outcome


@pytest.mark.parametrize(
    ("select", "error", "said"),
    [
        ("SELECT customer_id, 1 AS orderd FROM m", MissingColumnError, "orderd"),
        (f"{OUTCOMES} WHERE hash(customer_id) % 2 = 0", BadValueError, "members of the experiment"),
        (f"{OUTCOMES} WHERE arm = 'control'", BadValueError, "members of the experiment"),
        (f"({OUTCOMES}) UNION ALL ({OUTCOMES} LIMIT 3)", DuplicateRowError, "3 customers"),
        ("SELECT customer_id, nullif(segment_id, 3) AS ordered FROM m", BadValueError, "4,000 rows have no value"),
        ("SELECT customer_id, 'often' AS ordered FROM m", BadValueError, "no number"),
        ("SELECT customer_id, 'inf' AS ordered FROM m", BadValueError, "not finite"),
        ("SELECT customer_id, 1e300 AS ordered FROM m", BadValueError, "beyond 1e"),
        ("SELECT customer_id, 0.5 AS ordered FROM m", BadValueError, "neither 0 nor 1"),
        ("SELECT 'x' || customer_id AS customer_id, 1 AS ordered FROM m", PlanMismatchError, "none of"),
        (
            f"SELECT customer_id, CAST({ORDERED} AS INTEGER) AS ordered, "
            "CASE WHEN hash(customer_id) % 9 > 0 THEN arm ELSE 'control' END AS arm FROM m",
            PlanMismatchError,
            "another arm",
        ),
    ],
)
def test_outcomes_that_do_not_fit_are_refused(desk: Desk, select: str, error: type[InputError], said: str) -> None:
    desk.assign()
    result = desk.analyse(desk.outcomes(select), "--out", desk.folder / "result")
    refused = failed(result)
    assert isinstance(refused, error)
    assert said in f"{refused.message} {refused.hint}"
    assert refused.hint
    assert not (desk.folder / "result").exists()


def test_an_arm_that_is_missing_is_refused(desk: Desk) -> None:
    desk.assign(DESCRIPTION.replace("  column: ordered\n", "  column: ordered\n  absent: drop\n"))
    result = desk.analyse(desk.outcomes(f"{OUTCOMES} WHERE arm = 'control'"))
    assert "no customer of the arm 'free_shipping'" in str(failed(result))


def test_events_of_one_arm_alone_are_no_effect(desk: Desk) -> None:
    desk.assign(EVENTS)
    events = "SELECT customer_id, TIMESTAMPTZ '2026-01-20 12:00:00+00' AS ordered_at FROM m WHERE {}"
    result = desk.analyse(desk.outcomes(events.format(f"arm = 'control' AND {ORDERED}")))
    assert isinstance(failed(result), PlanMismatchError)
    assert "no row of the arm 'free_shipping' in the window" in str(failed(result))
    # Of five customers, that all are of one arm is chance.
    five = events.format("arm = 'control'") + " LIMIT 5"
    few = desk.analyse(desk.outcomes(five, "few.csv"))
    assert few.exception is None


def test_a_file_that_stops_before_the_window_does_is_no_way_to_look_early(desk: Desk) -> None:
    desk.assign(EVENTS)
    daily = (
        "SELECT customer_id, TIMESTAMPTZ '2026-01-05 12:00:00+00' + INTERVAL (hash(customer_id || 'd') % {}) DAY "
        f"AS ordered_at FROM m WHERE {ORDERED}"
    )
    cut = desk.outcomes(daily.format(8))
    early = desk.analyse(cut, "--out", desk.folder / "result")
    assert isinstance(failed(early), TooEarlyError)
    assert "the newest event in outcomes.csv is of 2026-01-12" in str(failed(early))
    assert not (desk.folder / "result").exists()
    assert desk.analyse(cut, "--out", desk.folder / "result", "--peek").exception is None
    assert result_of(desk)["decisions"][0]["outcome"] == "none"
    assert desk.analyse(desk.outcomes(daily.format(28), "whole.csv")).exception is None
    # Somebody else's later order shows that the file goes on; the experiment's customers just had none.
    later = f"{daily.format(8)} UNION ALL SELECT 'stranger', TIMESTAMPTZ '2026-02-01 12:00:00+00'"
    assert desk.analyse(desk.outcomes(later, "later.csv")).exception is None


def test_a_folder_without_a_plan_is_refused(desk: Desk) -> None:
    (desk.folder / "plan").mkdir()
    result = desk.analyse(desk.folder / "outcomes.csv")
    assert isinstance(failed(result), MissingTableError)
