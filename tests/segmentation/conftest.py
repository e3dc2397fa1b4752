"""Where registries live in tests: each test has a place of its own."""

from pathlib import Path

import pytest

from tests.stores import CEPH


@pytest.fixture
def in_directory(tmp_path: Path) -> str:
    return str(tmp_path / "not" / "yet")


@pytest.fixture(params=["in_directory", "on_moto", CEPH])
def url(request: pytest.FixtureRequest) -> str:
    """Every kind of place."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(params=["in_directory", CEPH])
def real_url(request: pytest.FixtureRequest) -> str:
    """Places where models really live; what moto does with many publishers, or half a request, proves nothing."""
    return str(request.getfixturevalue(request.param))
