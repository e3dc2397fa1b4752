"""A segment's colour hangs on its id alone, and no two that are seen together look alike."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from segmentation.rules import FIRST_ID
from segmentation.scoring import Floats
from training.colours import BY_RULE, OKABE_ITO, colour, dark
from training.job import Result

XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]])


def lab(code: str) -> Floats:
    """CIELAB under D65, in which distances are what eyes tell apart (about 2 is just noticed)."""
    channels = np.array(to_rgb(code))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(XYZ @ linear / np.array([0.95047, 1, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_first_segments_have_the_colours_of_okabe_and_ito() -> None:
    assert tuple(colour(id_) for id_ in range(8)) == OKABE_ITO


def test_two_dozen_segments_and_those_by_rule_are_told_apart() -> None:
    shown = [colour(id_) for id_ in (*range(24), *range(FIRST_ID, FIRST_ID + len(BY_RULE)))]
    assert min(np.linalg.norm(lab(one) - lab(other)) for one, other in combinations(shown, 2)) > 12


def test_a_hundred_segments_have_a_hundred_colours() -> None:
    assert len({colour(id_) for id_ in range(100)}) == 100


def test_colours_of_a_model_hang_on_ids(sample_result: Result) -> None:
    for segment in sample_result.made.card.all_segments:
        assert segment.colour == colour(segment.id)


@pytest.mark.parametrize(("code", "expected"), [("#000000", True), ("#f0e442", False), ("#0072b2", True)])
def test_letters_on_a_colour_are_read(code: str, expected: bool) -> None:
    assert dark(code) is expected
