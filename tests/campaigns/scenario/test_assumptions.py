"""What is assumed of a number is spread as the page says, and refused where it makes no sense."""

import numpy as np
import pytest

from campaigns.scenario.assumptions import Uncertain, distribution
from segmentation.errors import ConfigurationError
from segmentation.tables import Interval

SHARE = Interval(0, 1)
UNIFORM = np.random.default_rng(0).random(200_000)


def made(given: float | Uncertain, valid: Interval = SHARE) -> np.ndarray:
    return distribution(given, "uplift", "share", valid, "t.yaml, line 2: uplift").draws(UNIFORM)


def test_a_number_alone_is_certain() -> None:
    assert set(made(0.02)) == {0.02}


@pytest.mark.parametrize(
    ("given", "mean", "deviation"),
    [
        (Uncertain(low=0.1, high=0.3), 0.2, 0.2 / 12**0.5),
        # (low + 4 likely + high) / 6, and the beta distribution's own variance.
        (Uncertain(low=0.0, likely=0.1, high=0.4), 0.8 / 6, 0.4 * (2 / 6 * 4 / 6 / 7) ** 0.5),
        (Uncertain(estimate=0.2, standard_error=0.03), 0.2, 0.03),
        (Uncertain(estimate=0.2, interval_95=(0.2 - 0.0588, 0.2 + 0.0588)), 0.2, 0.03),
        (Uncertain(responded=58, of=2000), 58.5 / 2001, (58.5 * 1942.5 / 2001**2 / 2002) ** 0.5),
    ],
)
def test_draws_have_the_mean_and_deviation_of_their_form(given: Uncertain, mean: float, deviation: float) -> None:
    draws = made(given)
    assert draws.mean() == pytest.approx(mean, rel=0.01)
    assert draws.std() == pytest.approx(deviation, rel=0.01)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (1.2, "is 1.2"),
        (float("nan"), "is nan"),
        (Uncertain(low=0.3, high=0.1), "low is not below high"),
        (Uncertain(low=0.1, likely=0.5, high=0.4), "not in order"),
        (Uncertain(low=0.1, high=1.1), "reaches 1.1"),
        (Uncertain(low=0.1, high=float("inf")), "high is inf"),
        (Uncertain(low=0.1), "has low"),
        (Uncertain(low=0.1, high=0.2, estimate=0.1), "has estimate, high, low"),
        (Uncertain(), "has no key"),
        (Uncertain(estimate=0.1, standard_error=0.0), "standard_error is 0"),
        (Uncertain(estimate=0.1, standard_error=0.1), "16 % of this normal distribution"),
        (Uncertain(estimate=0.1, interval_95=(0.2, 0.3)), "does not lie within"),
        (Uncertain(responded=10, of=5), "not from 0 to of"),
        (Uncertain(responded=0, of=0), "not from 0 to of"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(given: float | Uncertain, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        made(given)
    assert refused.value.message.startswith("t.yaml, line 2: uplift")
    assert refused.value.hint
