"""In what form an algorithm runs, decided before anything is allocated; what can be set of it."""

import numpy as np
import pytest

from segmentation.errors import ConfigurationError
from training.algorithms import ALGORITHMS, Algorithm, Budget, find, plan
from training.algorithms.running import run

BY_NAME = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)


@BY_NAME
def test_a_million_rows_are_taken_in_the_declared_form_or_refused(algorithm: Algorithm) -> None:
    planned = plan(algorithm, 1_000_000, 9, 6, Budget())
    assert planned.form == ("exact" if algorithm.exact_up_to is None else algorithm.beyond)
    assert planned.megabytes <= 2_000
    assert plan(algorithm, 500, 9, 6, Budget()).form == "exact"


@BY_NAME
def test_what_does_not_fit_is_refused_at_once_with_advice(algorithm: Algorithm) -> None:
    # Fewer bytes than the labels themselves; the rows are never touched: they are one row, repeated.
    space = np.broadcast_to(np.zeros(9), (50_000_000, 9))
    found = run(algorithm, space, 6, budget=Budget(megabytes=100))
    assert found.labels is None
    assert "more than comparison.megabytes = 100" in found.refusal
    assert "raise it" in found.refusal


def test_memory_makes_the_sample_smaller() -> None:
    algorithm = find("average-linkage")
    roomy, narrow = (plan(algorithm, 200_000, 5, 4, Budget(megabytes=room)) for room in (2_000, 300))
    assert (roomy.form, roomy.rows) == ("sample", 10_000)
    assert (narrow.form, narrow.rows) == ("sample", 5_000)
    assert narrow.megabytes <= 300 < roomy.megabytes


def test_fewer_rows_than_clusters_are_refused() -> None:
    assert "too few for 6 clusters" in plan(find("ward"), 5, 2, 6, Budget()).refusal
    assert plan(find("dbscan"), 5, 2, 6, Budget()).form == "exact"


@BY_NAME
def test_grids_and_defaults_are_values_that_may_be_set(algorithm: Algorithm) -> None:
    assert algorithm.checked({}) == algorithm.defaults
    for parameters in algorithm.grid:
        assert algorithm.checked(parameters) == algorithm.defaults | dict(parameters)


@pytest.mark.parametrize(
    ("name", "given", "message", "hint"),
    [
        ("dbscan", {"epsilon": 1.0}, "dbscan has no parameter 'epsilon'", "did you mean 'eps'?"),
        ("dbscan", {"eps": -1.0}, "dbscan: eps cannot be -1.0", "a number from 0, or null"),
        ("dbscan", {"eps": "wide"}, "dbscan: eps cannot be 'wide'", "a number from 0, or null"),
        ("hdbscan", {"selection": "best"}, "hdbscan: selection cannot be 'best'", "one of eom, leaf"),
        ("birch", {"threshold": True}, "birch: threshold cannot be True", "a number from 0, or null"),
        (
            "gaussian-mixture",
            {"n_init": 2.5},
            "gaussian-mixture: n_init cannot be 2.5",
            "a whole number from 1 to 1000",
        ),
        ("gaussian-mixture", {"n_init": None}, "gaussian-mixture: n_init cannot be None", "a whole number"),
        ("gaussian-mixture", {"n_init": True}, "gaussian-mixture: n_init cannot be True", "a whole number"),
        ("affinity-propagation", {"damping": float("nan")}, "damping cannot be nan", "from 0.5 to 0.999"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(name: str, given: dict[str, float], message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find(name).checked(given)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_unknown_algorithm_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find("kmeans")
    assert caught.value.hint == "did you mean 'k-means'?"
