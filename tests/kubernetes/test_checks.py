"""Every overlay passes every check, and no check passes what it is there to find."""

import json
import re

import pytest

from tests.kubernetes.checks import CHECKS, ROOMS
from tests.kubernetes.mistakes import Mistake
from tests.kubernetes.objects import OVERLAYS, Manifests
from tests.kubernetes.planted import MISTAKES
from tests.kubernetes.pod_checks import ENTRY_POINTS
from tests.servers.service import ROOT


@pytest.mark.kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", CHECKS)
def test_an_overlay_is_without_fault(name: str, overlay: str, overlays: dict[str, Manifests]) -> None:
    assert CHECKS[name](overlays[overlay]) == []


@pytest.mark.kubectl
@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_mistake_is_found(mistake: Mistake, overlays: dict[str, Manifests]) -> None:
    manifests = overlays[mistake.overlay]
    mistake.plant(manifests)
    assert CHECKS[mistake.check](manifests) != []


def test_every_check_is_tried_with_mistakes() -> None:
    assert {mistake.check for mistake in MISTAKES} == set(CHECKS)
    modules = {function.__module__ for function in CHECKS.values()}
    assert modules == {room.__name__ for room in ROOMS}


@pytest.mark.parametrize("image", ENTRY_POINTS)
def test_the_images_begin_with_what_the_manifests_take_for_granted(image: str) -> None:
    """Arguments are added to the entry point; scripts find our rooms where it starts."""
    room = image.removeprefix("customer-segmentation-")
    text = (ROOT / "docker" / f"{room}.Dockerfile").read_text(encoding="utf-8")
    entry = re.findall(r"^ENTRYPOINT (\[.*\])$", text, re.MULTILINE)
    assert json.loads(entry[-1]) == ENTRY_POINTS[image]
    folder = re.findall(r"^WORKDIR (\S+)$", text, re.MULTILINE)[-1]
    assert f"COPY --from=build {folder} {folder}" in text
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE)[-1] == "10001:10001"
    assert f"customer-segmentation-{room}" in text
