"""The overlays, rendered once."""

from copy import deepcopy

import pytest

from tests.kubernetes import objects
from tests.kubernetes.objects import K8S, OVERLAYS, Manifests


@pytest.fixture(scope="session")
def rendered() -> dict[str, str]:
    """By overlay, what kubectl makes of it."""
    objects.require()
    return {name: objects.render(K8S / "overlays" / name) for name in OVERLAYS}


@pytest.fixture(scope="session")
def parsed(rendered: dict[str, str]) -> dict[str, Manifests]:
    """By overlay, its objects."""
    return {name: Manifests.of(name, text) for name, text in rendered.items()}


@pytest.fixture
def overlays(parsed: dict[str, Manifests]) -> dict[str, Manifests]:
    """By name; each test has its own, to plant mistakes in."""
    return deepcopy(parsed)


@pytest.fixture
def local(overlays: dict[str, Manifests]) -> Manifests:
    return overlays["local"]
