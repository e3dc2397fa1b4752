"""The gate on the generated shop: ten honest retrainings pass (three where it is not CI), one fault each does not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from segmentation.settings import Settings
from tests.conftest import MADE
from tests.depth import THOROUGH
from tests.quick import QUICK
from tests.training.retrained import after
from training import configuration, job
from training.heritage import NOTHING, Heritage
from training.sources import sample

SHOP = (*QUICK, "sample.customers=800", "clustering.n_init=4")

Fault = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def retrain(handed: Heritage, shop: int, as_of: datetime | None = None) -> job.Result:
    """A model of another sample of the same shop's customers, with another seed."""
    chosen = configuration.load("sample", None, [*SHOP, f"sample.seed={shop}", f"seed={shop}"])
    made = MADE + timedelta(days=handed.sequence)
    return job.make("sample", None, chosen, Settings(), created=made, handed=handed, as_of=as_of)


@pytest.fixture(scope="module")
def live() -> Heritage:
    return after(retrain(NOTHING, 7), NOTHING)


def test_honest_retrainings_pass_and_no_id_changes_its_behaviour(live: Heritage) -> None:
    handed = live
    assert handed.model is not None
    names = {segment.id: segment.name for segment in handed.model.card.segments}
    meaning: dict[int, str] = {}
    for shop in range(20, 30 if THOROUGH else 23):
        result = retrain(handed, shop)
        verdict = result.made.card.gate
        assert verdict is not None
        assert verdict.passed, verdict
        assert verdict.predecessor == handed.model.version if handed.model else None
        assert {segment.id: segment.name for segment in result.made.card.segments} == names
        ids = np.array([segment.id for segment in result.made.card.segments])[result.fitted.labels]
        truth = sample.behaviours(800, shop).loc[result.snapshot.customers.index].to_numpy()
        found = {int(each): str(pd.Series(truth[ids == each]).mode()[0]) for each in np.unique(ids)}
        assert len(set(found.values())) == 5
        meaning = meaning or found
        assert found == meaning
        handed = after(result, handed)


def test_customers_who_moved_by_themselves_are_told_apart_from_those_whom_the_model_moves() -> None:
    spring = retrain(NOTHING, 7, datetime(2025, 4, 1, tzinfo=UTC))
    autumn = retrain(after(spring, NOTHING), 7, datetime(2025, 10, 1, tzinfo=UTC))
    lineage = autumn.made.card.lineage
    assert lineage is not None
    assert lineage.moved_by_customers is not None
    assert 0 < lineage.moved_by_customers < 0.2
    then, now = spring.made.card.counts.customers, autumn.made.card.counts.customers
    assert (lineage.customers, then < now) == (now, True)
    # Who came in between has not moved; everybody else is in one cell.
    stayed = sum(cell.customers or 0 for cell in lineage.customers_moved)
    assert then - 5 * len(lineage.customers_moved) <= stayed <= then + 5 * len(lineage.customers_moved)
    assert sum(cell.revenue_share or 0 for cell in lineage.model_changed) == pytest.approx(1, abs=0.05)


def test_data_that_do_not_reach_back_do_not_tell_who_moved(live: Heritage, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sample.generate
    monkeypatch.setattr(
        sample, "generate", lambda n, seed: honest(n, seed).query("ordered_at >= '2024-07-01'").reset_index(drop=True)
    )
    lineage = retrain(live, 7).made.card.lineage
    assert lineage is not None
    assert (lineage.moved_by_customers, lineage.customers_moved) == (None, ())


def shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    scores = frame.groupby("order_id", sort=False)["review_score"].first()
    return frame.assign(review_score=frame["order_id"].map(pd.Series(rng.permutation(scores), index=scores.index)))


def constant(frame: pd.DataFrame, _: np.random.Generator) -> pd.DataFrame:
    return frame.assign(instalments=1)


def halved(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame[rng.random(len(frame)) < 0.5]


def mixed(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every number drawn evenly, for every order by itself."""
    n = len(frame)
    return frame.assign(
        order_id=[f"order-{number}" for number in range(n)],
        unit_price=rng.uniform(1, 1000, n).round(2),
        payment_value=rng.uniform(1, 1000, n).round(2),
        freight_value=rng.uniform(0, 100, n).round(2),
        review_score=rng.integers(1, 6, n).astype(float),
        instalments=rng.integers(1, 25, n),
    )


@pytest.mark.parametrize(
    ("fault", "name", "says"),
    [
        (shuffled, "relations", "as if it were shuffled: review_score ("),
        (constant, "features", "lost: instalments (it is the same for every customer)"),
        (halved, "rows", "the live model was made of"),
        (mixed, "relations", "review_score ("),
    ],
)
def test_a_shop_with_one_fault_is_refused_with_its_reason(
    live: Heritage, monkeypatch: pytest.MonkeyPatch, fault: Fault, name: str, says: str
) -> None:
    honest = sample.generate
    monkeypatch.setattr(sample, "generate", lambda n, seed: fault(honest(n, seed), np.random.default_rng(1)))
    verdict = retrain(live, 40).made.card.gate
    assert verdict is not None
    assert says in {check.name: check.says for check in verdict.checks if not check.passed}[name]
