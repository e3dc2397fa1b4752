"""Where a t test is not to be trusted, that is said; and where it is, nothing is."""

import json

import numpy as np
import pytest
from scipy import stats

from campaigns.experiment.cells import Cell
from campaigns.experiment.skewness import skewed
from tests.campaigns.experiments import DESCRIPTION, Desk

MONEY = (
    DESCRIPTION.replace("kind: proportion", "kind: mean")
    .replace("{0: 0.05, 3: 0.1, 7: 0.2}", "10\n  standard_deviation: 40")
    .replace("column: ordered", "column: spent")
)
SPENT = "SELECT customer_id, exp(12 * (hash(customer_id || 'y') % 10007) / 10007) AS spent FROM m"


@pytest.mark.parametrize(
    ("shape", "sizes", "trusted"),
    [
        (0.3, (1278, 142), True),
        (0.3, (108, 12), False),
        (0.1, (450, 50), False),
        (0.1, (1000, 1000), True),
        (4.0, (450, 50), True),
    ],
)
def test_a_test_is_trusted_where_its_level_holds(shape: float, sizes: tuple[int, int], trusted: bool) -> None:
    """The level is simulated: Welch's test between arms of one gamma distribution."""
    skewness = float(stats.gamma(shape).stats(moments="s"))
    cells = [
        Cell(segment_id=0, arm=arm, customers=size, mean=shape, variance=shape, raw_mean=shape, skewness=skewness)
        for arm, size in zip(("control", "mail"), sizes, strict=True)
    ]
    assert skewed(cells, "control") is not trusted
    rng = np.random.default_rng(8)
    control, mail = (rng.gamma(shape, size=(8000, size)) for size in sizes)
    wrong = float((stats.ttest_ind(mail, control, axis=1, equal_var=False).pvalue < 0.05).mean())
    assert (wrong < 0.07) is trusted, wrong


@pytest.mark.parametrize(
    ("arms", "said"), [("control: 0.98, free_shipping: 0.02", True), ("control: 0.5, free_shipping: 0.5", False)]
)
def test_a_small_arm_of_a_skewed_metric_is_told(desk: Desk, arms: str, said: bool) -> None:
    assigned = desk.assign(MONEY.replace("control: 0.5, free_shipping: 0.5", arms))
    assert assigned.exception is None, assigned.output
    result = desk.analyse(desk.outcomes(SPENT), "--out", desk.folder / "result")
    assert result.exception is None, result.output
    notes = json.loads((desk.folder / "result" / "analysis.json").read_text())["notes"]
    assert any("The metric is skewed" in note and "Segment 7" in note for note in notes) is said, notes
