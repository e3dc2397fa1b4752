"""Names do not tell cents from euros: where a feature lies does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from segmentation.lineage import Check
from tests.training.notebook import log, steps, told
from training.importing.likeness import alike

SCALERS = [StandardScaler, RobustScaler, MinMaxScaler, MaxAbsScaler]


def customers(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"days": rng.uniform(0, 700, 2000), "spent": rng.lognormal(4, 1, 2000)})


def looked(pipeline: Any, fitted_on: pd.DataFrame, given: pd.DataFrame) -> Check | None:
    _, folded = told(pipeline.fit(fitted_on))
    return alike(folded.seen, list(given.columns), folded.arrays.prepare(given.to_numpy()))


# A factor hardly changes the range of logarithms: MinMaxScaler and MaxAbsScaler tell nothing then.
@pytest.mark.parametrize(
    ("scaler", "logged"), [*((scaler, False) for scaler in SCALERS), (StandardScaler, True), (RobustScaler, True)]
)
@pytest.mark.parametrize("there", [1.0, 100.0])
def test_the_same_in_another_unit_is_found_either_way(scaler: Any, logged: bool, there: float) -> None:
    before = [log()] if logged else []
    fitted_on = customers().assign(spent=customers()["spent"] * there)
    given = customers(1).assign(spent=customers(1)["spent"] * (100 / there))
    check = looked(steps(*before, scaler()), fitted_on, given)
    assert check is not None
    assert not check.passed
    assert "spent" in check.says
    assert "days" not in check.says


@pytest.mark.parametrize("scaler", SCALERS)
def test_newer_customers_and_one_big_spender_are_alike(scaler: Any) -> None:
    given = customers(1)
    given["days"] += 60
    given.loc[0, "spent"] = 10 * given["spent"].max()
    check = looked(steps(scaler()), customers(), given)
    assert check is not None
    assert check.passed, check.says


def test_a_feature_that_is_the_same_for_all_here_is_not_alike() -> None:
    check = looked(steps(StandardScaler()), customers(), customers().assign(spent=1.0))
    assert check is not None
    assert not check.passed
    assert "all the same here" in check.says


def test_without_a_scaler_nothing_is_known() -> None:
    assert looked(steps(), customers(), customers()) is None
    assert isinstance(steps()[-1], KMeans)
