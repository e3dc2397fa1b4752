"""What cannot be made a model of is told as such, and never as a defect."""

import numpy as np
import pandas as pd
import pytest

from segmentation.errors import UnusableDataError
from segmentation.features import number
from segmentation.recipe import Clustering
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
