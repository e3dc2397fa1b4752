"""The arrays say what the Pipeline says, for any configuration and any valid row."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation import pipeline, scoring
from segmentation.errors import InconsistentModelError
from segmentation.recipe import Clustering, Entry, Preprocessing, Winsorise
from segmentation.scoring import Arrays, score

ENTRIES = (
    Entry("plain", log1p=False, winsorised=False),
    Entry("logged", log1p=True, winsorised=True),
    Entry("clipped", log1p=False, winsorised=True),
    Entry("also_logged", log1p=True, winsorised=False),
)


def customers(rows: int = 400, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    centre = rng.integers(0, 3, rows)
    return pd.DataFrame(
        {
            "plain": rng.normal(centre * 5, 1),
            "logged": rng.lognormal(centre, 0.3),
            "clipped": rng.standard_t(2, rows),
            "also_logged": rng.gamma(2, 2, rows),
        }
    )


CONFIGURATIONS = [
    Preprocessing(),
    Preprocessing(winsorise=None),
    Preprocessing(scale=False),
    Preprocessing(variance_kept=None),
    Preprocessing(variance_kept=1.0),
    Preprocessing(winsorise=Winsorise(0.1, 0.9), scale=False, variance_kept=None),
]


@pytest.mark.parametrize("preprocessing", CONFIGURATIONS, ids=str)
@given(
    rows=hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 20), st.just(4)),
        elements=st.floats(0, 1e6, allow_nan=False, allow_subnormal=False),
    )
)
@settings(max_examples=25, deadline=None)
def test_arrays_equal_the_pipeline_wherever_rounding_does_not_decide(
    preprocessing: Preprocessing, rows: np.ndarray
) -> None:
    fitted = FITTED[str(preprocessing)]
    found = score(pipeline.fold(fitted), rows)
    expected = fitted.predict(pd.DataFrame(rows, columns=[entry.name for entry in ENTRIES]))
    decided = found.margin > 1e-9
    assert (found.segment == expected)[decided].all()


@pytest.mark.parametrize("preprocessing", CONFIGURATIONS, ids=str)
def test_the_residual_is_what_pca_cannot_give_back(preprocessing: Preprocessing) -> None:
    fitted, rows = FITTED[str(preprocessing)], customers(50, seed=7)
    arrays = pipeline.fold(fitted)
    residual = score(arrays, rows.to_numpy()).residual
    if "pca" not in fitted.named_steps:
        assert (residual == 0).all()
        return
    before = fitted[: list(fitted.named_steps).index("pca")].transform(rows)
    lost = before - fitted["pca"].inverse_transform(fitted["pca"].transform(before))
    assert residual == pytest.approx(np.square(lost).sum(axis=1), rel=1e-9, abs=1e-12)


FITTED = {
    str(preprocessing): pipeline.fit(customers(), ENTRIES, preprocessing, 3, Clustering(), seed=0)
    for preprocessing in CONFIGURATIONS
}


def test_distance_and_margin_are_what_they_say() -> None:
    arrays = Arrays(
        lower=np.full(2, -np.inf),
        upper=np.full(2, np.inf),
        log_mask=np.zeros(2, dtype=bool),
        matrix=np.eye(2),
        offset=np.zeros(2),
        centroids=np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 100.0]]),
        residual_matrix=np.zeros((2, 0)),
        residual_offset=np.zeros(0),
    )
    found = score(arrays, np.array([[3.0, 0.0], [5.0, 0.0], [10.0, 0.0]]))
    assert found.segment.tolist() == [0, 0, 1]
    assert found.runner_up.tolist() == [1, 1, 0]
    assert found.distance.tolist() == [3.0, 5.0, 0.0]
    assert found.margin == pytest.approx([1 - 3 / 7, 0.0, 1.0])


def test_a_large_batch_is_scored_as_its_rows_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = pipeline.fold(FITTED[str(Preprocessing())])
    rows = customers(1000, seed=5).to_numpy()
    whole = score(arrays, rows)
    monkeypatch.setattr(scoring, "ROWS_AT_ONCE", 64)
    parts = score(arrays, rows)
    assert np.array_equal(whole.segment, parts.segment)
    assert np.allclose(whole.distance, parts.distance, rtol=1e-13)


def test_the_largest_segment_comes_first_and_no_training_label_is_kept() -> None:
    fitted = FITTED[str(Preprocessing())]
    sizes = np.bincount(fitted.predict(customers()))
    assert sizes.tolist() == sorted(sizes, reverse=True)
    assert not hasattr(fitted[-1], "labels_")


def test_arrays_survive_the_file_and_the_same_arrays_give_the_same_bytes() -> None:
    arrays = pipeline.fold(FITTED[str(Preprocessing())])
    content = scoring.to_bytes(arrays)
    again = scoring.from_bytes(content)
    assert scoring.to_bytes(again) == content


def _broken(**changes: np.ndarray) -> dict[str, np.ndarray]:
    arrays = pipeline.fold(FITTED[str(Preprocessing())])
    return {name: getattr(arrays, name) for name in Arrays.__slots__} | changes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lower": np.zeros(3)}, "lower"),
        ({"centroids": np.zeros((3, 99))}, "centroids"),
        ({"centroids": np.zeros((1, 3))}, "two centroids|centroids"),
        ({"matrix": np.full((4, 3), np.nan)}, "matrix"),
        ({"lower": np.full(4, 9.0), "upper": np.full(4, 1.0)}, "in order"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(changes: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(InconsistentModelError, match=said):
        Arrays(**_broken(**changes))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x04pickle"])
def test_a_file_that_is_no_npz_is_refused(content: bytes) -> None:
    with pytest.raises(InconsistentModelError, match=r"scoring\.npz"):
        scoring.from_bytes(content)
