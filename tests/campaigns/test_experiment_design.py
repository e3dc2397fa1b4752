"""What can be learnt is known before anything is sent."""

import json
from dataclasses import replace
from datetime import date

import pytest
from statsmodels.stats.proportion import power_proportions_2indep

from campaigns.errors import ExperimentError
from campaigns.experiment.base import Stratum
from campaigns.experiment.description import Experiment, Metric, Rules, Window, load
from campaigns.experiment.design import design, power
from segmentation.errors import ConfigurationError
from tests.campaigns.experiments import DESCRIPTION, Desk, failed

WINDOW = Window(starts=date(2026, 1, 5), ends=date(2026, 2, 1))
TEXTBOOK = Experiment(
    name="textbook",
    arms={"control": 0.5, "treated": 0.5},
    metric=Metric(kind="proportion", column="ordered", smallest_lift=0.1),
    window=WINDOW,
)


def stratum(segment: int, customers: int, mean: float = 0.03, deviation: float = 1.0) -> Stratum:
    return Stratum(
        segment_id=segment, segment_name=str(segment), customers=customers, mean=mean, standard_deviation=deviation
    )


def test_three_to_three_point_three_percent_takes_53_210_customers_per_arm() -> None:
    assert design(TEXTBOOK, (stratum(0, 1000),)).pooled.needed == pytest.approx(2 * 53_210, abs=2)


@pytest.mark.parametrize(("treated", "lift"), [(0.5, 0.2), (0.2, 0.3)])
def test_the_power_of_one_segment_is_that_of_statsmodels(treated: float, lift: float) -> None:
    asked = replace(TEXTBOOK, arms={"control": 1 - treated, "treated": treated})
    expected = power_proportions_2indep(lift * 0.03, 0.03, 20_000 * treated, ratio=(1 - treated) / treated).power
    assert power(asked, (stratum(0, 20_000),), lift, 0.05) == pytest.approx(expected, rel=1e-9)


def test_the_smallest_lift_is_found_with_the_wanted_power() -> None:
    base = (stratum(0, 30_000, 0.02), stratum(1, 9000, 0.1))
    pooled = design(TEXTBOOK, base).pooled
    assert pooled.smallest_lift is not None
    assert power(TEXTBOOK, base, pooled.smallest_lift, 0.05) == pytest.approx(0.8)
    assert pooled.needed is not None
    assert power(TEXTBOOK, base, 0.1, 0.05, pooled.needed / 39_000) == pytest.approx(0.8, abs=1e-4)


def test_segments_of_one_rate_pooled_are_one_segment() -> None:
    parts = (stratum(0, 3000), stratum(1, 1000))
    assert power(TEXTBOOK, parts, 0.2, 0.05) == pytest.approx(power(TEXTBOOK, (stratum(0, 4000),), 0.2, 0.05))


def test_of_a_mean_the_spread_decides() -> None:
    metric = Metric(kind="mean", column="spent", smallest_lift=0.1)
    asked = replace(TEXTBOOK, metric=metric)
    wide, narrow = (design(asked, (stratum(0, 4000, 10.0, spread),)).pooled.smallest_lift for spread in (20.0, 10.0))
    assert wide is not None
    assert narrow is not None
    assert wide == pytest.approx(2 * narrow, rel=1e-6)


def test_small_segments_are_not_tested_alone_and_take_nothing_from_large_ones() -> None:
    base = (stratum(0, 60_000, 0.1), stratum(1, 50_000, 0.1), stratum(2, 300, 0.1))
    rows = {row.segment_id: row for row in design(TEXTBOOK, base).segments}
    assert [rows[segment].alone for segment in (0, 1, 2)] == [True, True, False]
    assert rows[0].alpha == rows[1].alpha == 0.025
    assert rows[2].power < 0.1
    assert (rows[2].needed or 0) > 20_000


def test_a_lift_that_leaves_a_proportion_is_not_promised() -> None:
    assert design(TEXTBOOK, (stratum(0, 40, 0.9),)).pooled.smallest_lift is None


def test_several_treatments_share_the_level() -> None:
    asked = replace(TEXTBOOK, arms={"control": 0.4, "mail": 0.3, "letter": 0.3}, analysis=Rules(alpha=0.05))
    assert design(asked, (stratum(0, 4000),)).pooled.alpha == 0.025


def test_the_command_says_what_will_be_found_and_where_it_will_not(desk: Desk) -> None:
    text = DESCRIPTION.replace("smallest_lift: 0.3", "smallest_lift: 0.35")
    result = desk.run(
        "design", "--assignments", desk.folder / "base.parquet", "--experiment", desk.describe(text),
        "--out", desk.folder / "design",
    )  # fmt: skip
    assert result.exception is None
    rows = json.loads((desk.folder / "design" / "design.json").read_text())
    assert [row["segment_id"] for row in rows["segments"]] == [0, 3, 7]
    assert "all segments" in result.output
    for row in rows["segments"]:
        line = next(line for line in result.output.splitlines() if line.startswith(row["segment_name"]))
        assert ("too small" in line) == (not row["alone"])
    assert (desk.folder / "design" / "design.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_expected_may_be_measured_in_an_earlier_period(desk: Desk) -> None:
    history = desk.folder / "history.csv"
    # Two orders on 1 January and none in the window: the period before it is looked at.
    history.write_text(
        "customer_id,ordered_at,amount\n"
        + "".join(f"customer-{i},2026-01-01T08:00:00Z,10\n" for i in range(0, 15_000, 10))
        + "customer-1,2026-01-09T08:00:00Z,10\nstranger,2026-01-01T08:00:00Z,10\n"
    )
    text = DESCRIPTION.replace("  column: ordered\n", "  when: ordered_at\n  absent: zero\n")
    text = "\n".join(line for line in text.splitlines() if "baseline" not in line)
    refused = desk.run("design", "--assignments", desk.folder / "base.parquet", "--experiment", desk.describe(text))
    assert "not known" in str(failed(refused))
    result = desk.run(
        "design", "--assignments", desk.folder / "base.parquet", "--experiment", desk.describe(text),
        "--history", history, "--out", desk.folder / "design",
    )  # fmt: skip
    assert result.exception is None
    rows = json.loads((desk.folder / "design" / "design.json").read_text())
    assert [row["baseline"] for row in rows["segments"]] == pytest.approx([0.1, 0.1, 0.1])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("free_shipping: 0.5", "free_shipping: 0.4", "add up to 0.9"),
        ("free_shipping: 0.5", "Free Shipping: 0.5", "no word"),
        ("arms: {control: 0.5, free_shipping: 0.5}", "arms: {control: 0.5}", "arms has 1"),
        ("smallest_lift", "smalest_lift", "unknown key 'metric.smalest_lift'"),
        ("starts: 2026-01-05", "starts: 2026-03-05", "before it starts"),
        ("ends: 2026-02-01", "ends: 9999-12-31", "to 9999-12-31"),
        ("  column: ordered\n", "", "lacks column"),
        ("kind: proportion", "kind: mean", "go together"),
        ("0: 0.05", "0: 1.5", "baseline is 1.5"),
        ("0: 0.05", "0: 0", "baseline is 0"),
        ("  column: ordered", "  when: ordered_at", "absent is zero"),
        ("free shipping\n", "free shipping\nsegments: [3, 3]\n", "twice"),
        ("free shipping\n", "../plan\n", "name takes"),
        ("smallest_lift: 0.3", "smallest_lift: -1", "smallest_lift"),
    ],
)
def test_a_description_that_cannot_be_is_refused(desk: Desk, old: str, new: str, said: str) -> None:
    assert old in DESCRIPTION
    with pytest.raises(ConfigurationError, match=said) as refused:
        load(desk.describe(DESCRIPTION.replace(old, new)))
    assert refused.value.hint


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ("segments: [0, 4]\n", ConfigurationError, "segments names 4"),
        ("analysis: {covariate: frequancy}\n", ConfigurationError, "frequancy"),
        ("analysis: {covariate: history}\n", ConfigurationError, "there is none"),
        ("share: 0.001\n", ExperimentError, "too few customers"),
    ],
)
def test_a_base_that_does_not_fit_is_refused(desk: Desk, more: str, error: type[Exception], said: str) -> None:
    result = desk.run(
        "design", "--assignments", desk.folder / "base.parquet", "--experiment", desk.describe(DESCRIPTION + more)
    )
    refused = failed(result)
    assert isinstance(refused, error)
    assert said in str(refused)
    assert getattr(refused, "hint", "")
