"""What cannot be made a model of is told as such, and never as a defect."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from segmentation.errors import UnusableDataError
from segmentation.features import number
from segmentation.recipe import Clustering, Preprocessing, Winsorise
from training.configuration import Configuration
from training.fitting import train

FEATURES = (number("spend", ""), number("visits", ""))


def customers(extreme: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 2)), columns=["spend", "visits"])
    frame.iloc[0] = extreme, -extreme
    return frame


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_value_beside_which_all_others_are_rounding_is_told() -> None:
    with pytest.raises(UnusableDataError, match="lost in rounding") as refused:
        train(customers(1e11), FEATURES, Configuration(clustering=Clustering(k=5)))
    assert "file.missing" in refused.value.hint


@pytest.mark.parametrize(("k", "hint"), [(2, "give more data"), (3, "lower clustering.k")])
def test_a_segment_of_one_customer_is_refused_with_what_can_be_done(k: int, hint: str) -> None:
    with pytest.raises(UnusableDataError, match="a segment has 1 customer, fewer than 10") as refused:
        train(customers(1e4), FEATURES, Configuration(clustering=Clustering(k=k)))
    assert refused.value.hint.startswith(hint)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_customers_whom_winsorising_makes_alike_are_too_few_for_the_segments_and_not_too_extreme() -> None:
    """Three different numbers of visits are left two, nobody far from all others: winsorising mends nothing."""
    visits = np.repeat([0.0, 1.0, 2.0], [600, 385, 15])
    features = (replace(number("visits", ""), winsorised=True),)
    asked = Configuration(clustering=Clustering(k=3), preprocessing=Preprocessing(winsorise=Winsorise(0.02, 0.98)))
    with pytest.raises(UnusableDataError, match="at 2 different places, too few for 3 segments") as refused:
        train(pd.DataFrame({"visits": visits}), features, asked)
    assert refused.value.hint.startswith("lower clustering.k")
