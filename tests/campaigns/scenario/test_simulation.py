"""The simulation: nothing comes of nothing, everything adds up, and what is put in is found again."""

from pathlib import Path

import numpy as np
import pytest

from campaigns.assignments import open_assignments
from campaigns.scenario import base as bases
from campaigns.scenario import ranking, reading
from campaigns.scenario.binding import bind
from campaigns.scenario.drawings import pictures
from campaigns.scenario.money import paid
from campaigns.scenario.outcome import estimate, summarise
from campaigns.scenario.results import Result
from campaigns.scenario.sensitivity import sensitivity
from campaigns.scenario.simulation import simulate
from segmentation.errors import BadValueError, ConfigurationError, InputError, MissingColumnError, UnusableDataError
from segmentation.model import Model
from segmentation.settings import Settings
from tests.campaigns.scenario.conftest import ORDER, Prepared
from tests.campaigns.test_assignments import rewritten

MUCH = """
title: T
uplift: {low: 0.02, likely: 0.05, high: 0.15}
baseline: 0.04
margin: {low: 0.3, high: 0.5}
order: {basket: {times_average: {low: 1, high: 3}}}
changes: [{feature: distinct_categories, add: 2}]
discount: {share: 0.1}
contact_cost: 0.5
fixed_cost: 100
"""


def result(file: Path, model: Model, text: str, draws: int = 200, seed: int = 0) -> Result:
    with open_assignments(file, Settings()) as table:
        bound = bind(reading.parse(text, "t.yaml"), model.card)
        base = bases.load(table, bound, model.arrays)
        made = simulate(bound, base, draws, seed)
        steps = ranking.curve(bound, base, made, ranking.rank(bound, base, made))
        return summarise(bound, table, base, made, sensitivity(bound, base), steps, seed)


def test_no_effect_moves_nobody_and_brings_nothing_but_cost(sample_assignments: Path, model: Model) -> None:
    text = MUCH.replace("{low: 0.02, likely: 0.05, high: 0.15}", "0")
    found = result(sample_assignments, model, text)
    assert found.flows == ()
    assert found.moved == estimate(np.zeros(1))
    assert all(segment.change == estimate(np.zeros(1)) for segment in found.segments)
    assert found.money.orders.high == found.money.revenue.high == 0
    assert found.money.discounts.mean == found.money.discounts_anyway.mean > 0
    assert found.money.gain.high < -0.5 * found.contacted - 100 + 1e-9
    assert found.chance_to_pay == 0
    assert found.break_even_uplift is None


def test_customers_and_money_add_up(prepared: Prepared) -> None:
    bound, base = prepared(MUCH)
    made = simulate(bound, base, 100, seed=1)
    np.testing.assert_array_equal(made.moves.sum(axis=2), made.responses)
    np.testing.assert_allclose(made.moved_revenue.sum(axis=2), made.revenue)
    margin = made.numbers[:, [item.name for item in bound.assumptions].index("margin")]
    gain = margin[:, None] * made.revenue - made.discount_won - made.discount_anyway - made.contact
    np.testing.assert_allclose(made.gain, gain)
    np.testing.assert_allclose(made.discount_won, 0.1 * made.revenue)
    assert made.contact.sum(axis=1) == pytest.approx(0.5 * base.contacted)


def test_chance_averages_out_to_what_is_expected(prepared: Prepared) -> None:
    bound, base = prepared(MUCH)
    made = simulate(bound, base, 400, seed=2)
    gain = made.gain.sum(axis=1) - made.fixed
    error = (gain - made.expected).std() / np.sqrt(400)
    assert abs((gain - made.expected).mean()) < 4 * error
    # Not knowing the uplift outweighs who happens to respond.
    assert made.expected.var() > 2 * (gain - made.expected).var()


def test_a_known_effect_is_found_within_the_intervals(prepared: Prepared) -> None:
    """A test measures the effect, the scenario takes the test's result; then the promotion takes place."""
    true, tested, inside, seeds = 0.08, 4000, 0, 25
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 9])
        won, control = rng.binomial(tested, true + 0.02) / tested, rng.binomial(tested, 0.02) / tested
        error = np.sqrt((won * (1 - won) + control * (1 - control)) / tested)
        text = MUCH.replace(
            "{low: 0.02, likely: 0.05, high: 0.15}", f"{{estimate: {won - control}, standard_error: {error}}}"
        )
        bound, base = prepared(text)
        made = simulate(bound, base, 200, seed)
        moved = made.moves.sum(axis=(1, 2)) - np.einsum("dss->d", made.moves)
        draw = bound.draw(np.array([item.at(0.5) for item in bound.assumptions]))
        landed = base.destinations.land(paid(bound, base.basket, draw, base.contacted), draw)
        happened = ((landed != base.segment) & (rng.random(base.contacted) < true)).sum()
        told = estimate(moved)
        inside += told.low <= happened <= told.high
    # 90 % of 25 are 22.5; below 19 the intervals would be too narrow.
    assert inside >= 19


def test_orders_that_are_lost_cost_and_move_nobody(sample_assignments: Path, model: Model) -> None:
    text = ORDER.replace("0.1\n", "-0.03\n", 1) + "baseline: 0.05\ndiscount: {share: 0.2}\n"
    found = result(sample_assignments, model, text)
    assert found.money.orders.mean == pytest.approx(-0.03 * found.contacted, rel=0.05)
    assert found.money.gain.high < 0
    assert found.flows == ()
    # Two in a hundred are left who redeem.
    assert found.money.discounts.mean < 0.5 * 0.2 * abs(found.money.revenue.mean) * 5 / 3


def test_uplift_and_baseline_that_contradict_each_other_are_refused(prepared: Prepared) -> None:
    for more in ("baseline: 0.95\n", ""):
        bound, base = prepared(ORDER.replace("0.1\n", "-0.1\n" if not more else "0.1\n", 1) + more)
        with pytest.raises(ConfigurationError, match="contradict each other"):
            simulate(bound, base, 100, seed=0)


def test_draws_cut_off_are_counted(sample_assignments: Path, model: Model) -> None:
    text = ORDER.replace("0.1\n", "{estimate: 0.01, standard_error: 0.01}\n", 1)
    assert result(sample_assignments, model, text).cut == pytest.approx(0.16, abs=0.06)


def test_the_order_of_rows_does_not_matter_and_the_seed_does(
    sample_assignments: Path, model: Model, tmp_path: Path
) -> None:
    other = rewritten(sample_assignments, "FROM t ORDER BY hash(customer_id)", tmp_path / "other.parquet")
    found = result(sample_assignments, model, MUCH)
    assert found == result(other, model, MUCH)
    assert found.money.gain != result(sample_assignments, model, MUCH, seed=1).money.gain


def test_sensitivity_is_exact_and_breaks_even_where_it_says(prepared: Prepared) -> None:
    bound, base = prepared(MUCH)
    told = sensitivity(bound, base)
    assert {swing.assumption for swing in told.swings} == {"uplift", "basket", "margin"}
    assert told.swings[0].gain_low < told.gain < told.swings[0].gain_high
    assert told.break_even is not None
    uplift = told.break_even * bound.assumptions[0].at(0.5)
    bound, base = prepared(MUCH.replace("{low: 0.02, likely: 0.05, high: 0.15}", str(uplift)))
    assert sensitivity(bound, base).gain == pytest.approx(0, abs=1e-6)


def test_an_uplift_that_nobody_can_have_is_no_break_even(prepared: Prepared) -> None:
    """All who would not order anyway are won at most."""
    bound, base = prepared(MUCH)
    whole = sensitivity(bound, base)
    middle, baseline = bound.assumptions[0].at(0.5), 0.04
    # What is gained before the fixed cost when everybody is won, by two points of the line of the gain.
    two = prepared(MUCH.replace("{low: 0.02, likely: 0.05, high: 0.15}", str(2 * middle)))
    slope = (sensitivity(*two).gain - whole.gain) / middle
    most = whole.gain + slope * (1 - baseline - middle) + 100
    for fixed, pays in ((most * 0.99, True), (most * 1.01, False)):
        told = sensitivity(*prepared(MUCH.replace("fixed_cost: 100", f"fixed_cost: {fixed}")))
        assert (told.break_even is not None) == pays
        assert told.break_even is None or told.break_even * middle < 1 - baseline


def test_with_uplifts_by_segment_it_breaks_even_with_some_of_them_at_their_end(prepared: Prepared) -> None:
    text = MUCH.replace("{low: 0.02, likely: 0.05, high: 0.15}", "{}")

    def uplifts(factor: float) -> str:
        own = min(0.4 * factor, 0.96)
        return text.replace("{}", str(0.1 * factor)) + f"uplift_by_segment: [{{segment: 0, uplift: {own}}}]\n"

    gain = sensitivity(*prepared(uplifts(4.0))).gain
    told = sensitivity(*prepared(uplifts(1.0).replace("fixed_cost: 100", f"fixed_cost: {gain + 100}")))
    assert told.break_even == pytest.approx(4.0)


@pytest.mark.parametrize("discount", ["{share: 0.1}", "{amount: 10}", "{amount: {low: 5, high: 300}}"])
def test_what_single_customers_bring_adds_up_to_the_whole(prepared: Prepared, discount: str) -> None:
    bound, base = prepared(MUCH.replace("{share: 0.1}", discount))
    made = simulate(bound, base, 100, seed=0)
    ranked = ranking.rank(bound, base, made)
    assert ranked.gain.sum() - 100 == pytest.approx(made.expected.mean())
    steps = ranking.curve(bound, base, made, ranked)
    assert steps[-1].customers == base.contacted
    assert steps[-1].gain == pytest.approx(made.expected.mean())
    assert (np.diff(ranked.per_cost[ranked.order]) <= 1e-9).all()


def test_a_segments_own_uplift_is_its_own(sample_assignments: Path, model: Model) -> None:
    more = f"uplift_by_segment: [{{segment: {model.card.segments[0].id}, uplift: 0.0}}]\n"
    found = result(sample_assignments, model, ORDER + more)
    won = {segment.id: segment.responding for segment in found.segments}
    first, second = (won[segment.id] for segment in model.card.segments[:2])
    assert first is not None
    assert second is not None
    assert (first.high, second.mean > 0) == (0, True)


@pytest.mark.parametrize(
    ("select", "error", "said"),
    [
        ("SELECT * EXCLUDE (frequency) FROM t", MissingColumnError, "frequency"),
        ("SELECT * REPLACE (0 AS segment_id) FROM t", BadValueError, "elsewhere than its model"),
        ("SELECT * REPLACE (segment_id + 50 AS segment_id) FROM t", BadValueError, "which the model has not"),
        ("SELECT * REPLACE ('inf'::DOUBLE AS monetary) FROM t", BadValueError, "no finite number"),
        (
            "SELECT customer_id, segment_id, segment_name, confidence, model_version, as_of FROM t",
            InputError,
            "no features",
        ),
    ],
)
def test_a_table_that_is_not_the_models_is_refused(
    sample_assignments: Path, model: Model, tmp_path: Path, select: str, error: type[InputError], said: str
) -> None:
    file = rewritten(sample_assignments, select, tmp_path / "other.parquet")
    with pytest.raises(error, match=said) as refused:
        result(file, model, ORDER)
    assert refused.value.hint


@pytest.mark.parametrize(("bound", "said"), [(1e9, "contacts nobody"), (250000, "fewer than 10")])
def test_too_few_customers_are_not_simulated(
    sample_assignments: Path, model: Model, tmp_path: Path, bound: float, said: str
) -> None:
    file = sample_assignments
    with open_assignments(file, Settings()) as table:
        ninth = table.connection.execute("SELECT monetary FROM assignments ORDER BY 1 DESC LIMIT 1 OFFSET 8").fetchone()
    low = bound if bound > 1e6 else (ninth or (0,))[0]
    with pytest.raises(UnusableDataError, match=said):
        result(file, model, ORDER + f"target: {{where: [{{feature: monetary, at_least: {low}}}]}}\n")


def first_of_each(file: Path, sizes: str, out: Path) -> Path:
    """A table of the first customers of each segment, as many as an expression of `segment_id` says."""
    place = "row_number() OVER (PARTITION BY segment_id ORDER BY customer_id)"
    return rewritten(file, f"FROM t QUALIFY {place} <= {sizes}", out)


def test_nothing_of_few_customers_follows_by_subtraction(
    sample_assignments: Path, model: Model, tmp_path: Path
) -> None:
    """What is told of all, less what is told of each other segment, is never of fewer than ten."""
    file = first_of_each(
        sample_assignments, "CASE segment_id WHEN 2 THEN 4 ELSE 20 + segment_id END", tmp_path / "few.parquet"
    )
    found = result(file, model, ORDER.replace("0.1", "0.9"))
    told = {segment.id: segment for segment in found.segments if segment.contacted is not None}
    assert set(told) == {segment.id for segment in found.segments} - {0, 2}
    assert found.contacted - sum(segment.contacted or 0 for segment in told.values()) == 24
    for segment in found.segments:
        everything = (segment.customers, segment.responding, segment.leaving, segment.after, segment.money)
        assert all(value is None for value in everything) == (segment.id not in told)
    assert {flow.origin for flow in found.flows} <= set(told)


def test_a_promotion_to_a_few_of_each_segment_has_pictures(
    sample_assignments: Path, model: Model, tmp_path: Path
) -> None:
    found = result(first_of_each(sample_assignments, "4", tmp_path / "few.parquet"), model, ORDER)
    assert found.contacted == 4 * len(found.segments)
    assert all(segment.money is None for segment in found.segments)
    assert "Fewer than 10 contacted" in next(p.says for p in pictures(found) if p.name == "segments")
