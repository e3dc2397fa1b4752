"""What a Pipeline says and what its arrays say is the same, whatever accepted steps it is made of."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import BisectingKMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from segmentation.errors import ForeignPipelineError
from segmentation.scoring import score
from tests.training.notebook import KINDS, k_means, log, positive, steps, told
from training.importing.reading import UnacceptableError
from training.importing.rebuilding import rebuild

SURE = 1e-9


def compare(pipeline: Any, customers: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Arrays and the Pipeline that is published say what the Pipeline itself says."""
    pipeline.fit(customers)
    answer, folded = told(pipeline)
    scores, said = score(folded.arrays, rows.to_numpy()), pipeline.predict(rows)
    sure = scores.margin > SURE
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(scores.segment[sure], said[sure])
    again = rebuild(answer.pipeline, list(customers.columns))
    np.testing.assert_array_equal(again.predict(rows)[sure], said[sure])
    np.testing.assert_allclose(
        again[:-1].transform(rows), folded.arrays.space(rows.to_numpy()), rtol=1e-9, atol=1e-9
    )  # fmt: skip


@pytest.mark.parametrize("kind", list(KINDS))
def test_arrays_say_what_the_pipeline_says_on_a_thousand_random_customers(kind: str) -> None:
    compare(KINDS[kind](), positive(300, 3), positive(1000, 3, seed=9) * 1.5)


SCALERS = st.sampled_from([StandardScaler, MinMaxScaler, RobustScaler, MaxAbsScaler])


@settings(max_examples=15, deadline=None)
@given(
    logged=st.booleans(),
    scalers=st.lists(SCALERS, max_size=3),
    components=st.sampled_from([None, 1, 2, 0.8]),
    whiten=st.booleans(),
    width=st.integers(2, 5),
    k=st.integers(2, 6),
    seed=st.integers(0, 1000),
)
def test_whatever_is_put_together_folds(
    logged: bool, scalers: list[Any], components: float | None, whiten: bool, width: int, k: int, seed: int
) -> None:
    before: list[Any] = [log()] if logged else []
    before += [scaler() for scaler in scalers]
    if components is not None:
        before.append(PCA(components, whiten=whiten))
    compare(steps(*before, k=k), positive(200, width, seed), positive(300, width, seed + 1))


def test_mini_batches_give_the_same_kind_of_model() -> None:
    batches = MiniBatchKMeans(3, n_init=3, random_state=np.random.RandomState(1))
    pipeline = Pipeline([("scale", StandardScaler()), ("kmeans", batches)])
    compare(pipeline, positive(300, 3), positive(1000, 3, seed=4))


def test_nothing_of_the_training_customers_is_rebuilt() -> None:
    customers = positive(300, 3)
    pipeline = steps(StandardScaler()).fit(customers)
    pipeline[0].left_behind = customers
    answer, _ = told(pipeline)
    again = rebuild(answer.pipeline, list(customers.columns))
    assert not hasattr(again[-1], "labels_")
    assert not hasattr(again[1], "left_behind")
    assert not hasattr(again[1], "n_samples_seen_")
    assert again[-1].inertia_ == pytest.approx(pipeline[-1].inertia_)


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (steps(MinMaxScaler(), log()), "step 'step1' comes after scaling or PCA"),
        (steps(log(), log()), "logarithm of a logarithm"),
        (
            steps(ColumnTransformer([("a", log(), [0]), ("b", StandardScaler(), [0, 1])])),
            "its column 1 enters twice",
        ),
        (Pipeline([("kmeans", k_means(1))]), "step 'kmeans' has one cluster"),
    ],
)
def test_what_arrays_cannot_express_is_told_by_its_step(pipeline: Any, said: str) -> None:
    with pytest.raises(ForeignPipelineError, match=said) as raised:
        told(pipeline.fit(positive(100, 2)))
    assert raised.value.hint


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (steps(FunctionTransformer(np.sqrt, validate=True)), "step 'step0' is a FunctionTransformer of <ufunc 'sqrt'>"),
        (steps(ColumnTransformer([("a", PCA(1), [0, 1])])), "step 'step0' is a ColumnTransformer that holds PCA"),
        (steps(k_means(3)), "step 'step0' is KMeans, which must be the last step"),
        (Pipeline([("scale", StandardScaler())]), "its last step 'scale' is sklearn.*StandardScaler, not"),
        (
            Pipeline([("cluster", BisectingKMeans(3))]),
            r"its last step 'cluster' is .*BisectingKMeans \(its predict goes down a tree",
        ),
    ],
)  # fmt: skip
def test_a_step_that_is_not_accepted_is_named_with_what_is(pipeline: Any, said: str) -> None:
    with pytest.raises(UnacceptableError, match=said) as raised:
        told(pipeline.fit(positive(100, 2)))
    assert "accepted are StandardScaler, " in raised.value.hint


@pytest.mark.parametrize("step", [0, 1, 2])
def test_an_unfitted_pipeline_is_told_by_its_first_unfitted_step(step: int) -> None:
    pipeline = steps(StandardScaler(), PCA(2)).fit(positive(100, 3))
    attribute = ("mean_", "components_", "cluster_centers_")[step]
    del pipeline[step].__dict__[attribute]
    with pytest.raises(UnacceptableError, match=f"is not fitted: it has no {attribute}"):
        told(pipeline)


@pytest.mark.parametrize(("step", "attribute"), [(0, "scale_"), (1, "components_"), (2, "cluster_centers_")])
def test_numbers_that_are_not_finite_are_told_by_their_step(step: int, attribute: str) -> None:
    pipeline = steps(StandardScaler(), PCA(2)).fit(positive(100, 3))
    getattr(pipeline[step], attribute).flat[0] = np.nan
    with pytest.raises(ForeignPipelineError, match=f"{attribute} holds numbers that are not finite"):
        told(pipeline)


def test_steps_fitted_apart_do_not_fit_together() -> None:
    pipeline = steps(StandardScaler()).fit(positive(100, 3))
    pipeline.steps[1] = ("kmeans", k_means().fit(positive(100, 2)))
    with pytest.raises(ForeignPipelineError, match="step 'kmeans' was fitted on 2 columns and gets 3"):
        told(pipeline)
