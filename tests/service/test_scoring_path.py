"""The service and scikit-learn agree on whatever row is valid: features to JSON to arrays, and the Pipeline itself."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from segmentation.card import Card
from segmentation.explanation import typical_customers
from segmentation.scoring import Arrays, Floats
from service.decoding.bodies import LARGEST
from tests.depth import examples
from tests.service.test_predict import post
from training.job import Result

Row = list[float]


def values(card: Card, arrays: Arrays) -> st.SearchStrategy[Row]:
    """Rows of valid numbers; the ends of each range, the winsorising bounds and their neighbours come often."""
    columns = []
    for position, feature in enumerate(card.features):
        low = -LARGEST if feature.low is None else feature.low
        high = LARGEST if feature.high is None else feature.high
        marks = [low, high, arrays.lower[position], arrays.upper[position], 0.0, 5e-324, 1e-300, 1.0]
        near = [float(np.nextafter(mark, way)) for mark in marks for way in (-np.inf, np.inf)]
        edges = sorted({float(mark) for mark in [*marks, *near] if low <= mark <= high})
        usual = card.population[feature.name]
        columns.append(
            st.sampled_from(edges)
            | st.floats(low, high, allow_nan=False)
            | st.floats(usual.q05, max(usual.q95, usual.q05), allow_nan=False)
        )
    return st.tuples(*columns).map(list)


def borders(card: Card, arrays: Arrays) -> st.SearchStrategy[Row]:
    """Rows about half way between two segments."""
    inner = typical_customers(card, arrays)
    inner[:, arrays.log_mask] = np.expm1(inner[:, arrays.log_mask])
    low = [-LARGEST if feature.low is None else feature.low for feature in card.features]
    high = [LARGEST if feature.high is None else feature.high for feature in card.features]

    def between(one: int, other: int, part: float) -> Row:
        made: Floats = np.clip(part * inner[one] + (1 - part) * inner[other], low, high)
        return [float(value) for value in made]

    segment = st.integers(0, card.k - 1)
    return st.builds(between, segment, segment, st.just(0.5) | st.floats(0.45, 0.55))


@given(data=st.data())
@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_service_answers_as_scikit_learn_does(
    client: FlaskClient, sample_result: Result, arrays: Arrays, pipeline: Pipeline, data: st.DataObject
) -> None:
    card = sample_result.made.card
    sent = data.draw(st.lists(values(card, arrays) | borders(card, arrays), min_size=1, max_size=12))
    names = card.feature_names
    body = {"customers": [{"features": dict(zip(names, row, strict=True))} for row in sent]}
    status, answer = post(client, body)
    assert status == 200, answer
    expected = pipeline.predict(pd.DataFrame(sent, columns=list(names)))
    ids = [segment.id for segment in card.segments]
    space = pipeline[:-1].transform(pd.DataFrame(sent, columns=list(names)))
    for row, label, prediction in zip(space, expected, answer["predictions"], strict=True):
        distances = np.linalg.norm(row - pipeline[-1].cluster_centers_, axis=1)
        near, far = np.sort(distances)[:2]
        assert prediction["distance"] == pytest.approx(near, rel=1e-9, abs=1e-9)
        if far - near > 1e-9 * far:
            assert prediction["segment"]["id"] == ids[label]
            assert prediction["confidence"] == pytest.approx(1 - near / far, rel=1e-6, abs=1e-9)
        else:
            allowed: list[Any] = [ids[position] for position in np.flatnonzero(distances <= near * (1 + 1e-9))]
            assert prediction["segment"]["id"] in allowed
            assert prediction["confidence"] <= 1e-8
