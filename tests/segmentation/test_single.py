"""One customer alone is told what the customer is told among others, and what the Pipeline says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation import pipeline
from segmentation.recipe import Preprocessing
from segmentation.rules import NO_RULE, Condition, first_match
from segmentation.scoring import Arrays, score
from segmentation.single import SingleScorer
from tests.depth import examples
from tests.segmentation.test_rules import NAMES, some_rules
from tests.segmentation.test_scoring import CONFIGURATIONS, ENTRIES, FITTED

values = st.floats(0, 1e12, allow_nan=False) | st.sampled_from([0.0, 5e-324, 1.0, 1e12])
ARRAYS = {preprocessing: pipeline.fold(model) for preprocessing, model in FITTED.items()}
SINGLE = {preprocessing: SingleScorer(arrays) for preprocessing, arrays in ARRAYS.items()}


@pytest.mark.parametrize("preprocessing", CONFIGURATIONS, ids=str)
@given(customer=st.tuples(values, values, values, values))
@settings(max_examples=examples(100), deadline=None)
def test_alone_among_others_and_in_the_pipeline_a_customer_is_in_one_segment(
    preprocessing: Preprocessing, customer: tuple[float, ...]
) -> None:
    segment, runner_up, distance, margin, residual = SINGLE[str(preprocessing)].assign(customer)
    among = score(ARRAYS[str(preprocessing)], np.array([customer]))
    assert distance == pytest.approx(among.distance[0], rel=1e-9, abs=1e-9)
    assert margin == pytest.approx(among.margin[0], rel=1e-9, abs=1e-9)
    assert residual == pytest.approx(among.residual[0], rel=1e-9, abs=1e-9)
    frame = pd.DataFrame([customer], columns=[entry.name for entry in ENTRIES])
    said = FITTED[str(preprocessing)].predict(frame)[0]
    # Closer to the border than rounding, either side is right.
    assert said == segment or (margin < 1e-9 and said == runner_up)
    assert among.segment[0] == segment or margin < 1e-9


@given(rules=some_rules, customer=st.tuples(*[st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]) | st.floats(-3, 3)] * 3))
@settings(max_examples=examples(200), deadline=None)
def test_the_first_rule_that_holds_takes_the_customer(
    rules: list[list[Condition]], customer: tuple[float, ...]
) -> None:
    scorer = SingleScorer(plain([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]]), NAMES, rules)
    segment, runner_up, distance, margin, _ = scorer.assign(customer)
    taken = first_match(rules, NAMES, np.array([customer]))[0]
    if taken == NO_RULE:
        assert sorted((segment, runner_up)) == [0, 1]
    else:
        assert (segment, runner_up) == (2 + taken, NO_RULE)
        assert np.isnan([distance, margin]).all()


def test_two_centroids_in_one_place_are_a_tie_and_the_first_wins() -> None:
    assert SingleScorer(plain([[1.0], [1.0], [3.0]])).assign((1.0,)) == (0, 1, 0.0, 0.0, 0.0)


def plain(centroids: list[list[float]]) -> Arrays:
    features = len(centroids[0])
    return Arrays(
        lower=np.full(features, -np.inf),
        upper=np.full(features, np.inf),
        log_mask=np.zeros(features, dtype=bool),
        matrix=np.eye(features),
        offset=np.zeros(features),
        centroids=np.array(centroids),
        residual_matrix=np.zeros((features, 0)),
        residual_offset=np.zeros(0),
    )
