"""Every overlay passes every check, and no check passes what it is there to find."""

import pytest

from tests.kubernetes.checks import CHECKS, ROOMS
from tests.kubernetes.mistakes import Mistake
from tests.kubernetes.objects import OVERLAYS, Manifests
from tests.kubernetes.planted import MISTAKES

pytestmark = pytest.mark.kubectl


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", CHECKS)
def test_an_overlay_is_without_fault(name: str, overlay: str, overlays: dict[str, Manifests]) -> None:
    assert CHECKS[name](overlays[overlay]) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_is_found(mistake: Mistake, overlays: dict[str, Manifests]) -> None:
    manifests = overlays[mistake.overlay]
    mistake.plant(manifests)
    assert CHECKS[mistake.check](manifests) != []


def test_every_check_is_tried_with_mistakes() -> None:
    assert {mistake.check for mistake in MISTAKES} == set(CHECKS)
    modules = {function.__module__ for function in CHECKS.values()}
    assert modules == {room.__name__ for room in ROOMS}
