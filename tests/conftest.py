"""What all rooms' tests share: a trained sample model, and where the real data are."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segmentation.registry import Registry, open_registry
from segmentation.settings import Settings
from tests.once import once
from tests.stores import ceph_server, moto_server, on_ceph, on_moto, s3_url
from training import configuration, job, publish
from training.bundle import Bundle
from training.configuration import Configuration
from training.database import open_database

__all__ = ["ceph_server", "moto_server", "on_ceph", "on_moto", "s3_url"]

TEST_DATA = "SEGMENTATION_TEST_DATA"

MADE = datetime(2026, 1, 1, tzinfo=UTC)

LONGEST = (
    "containers/test_images.py",
    "training/test_real_sources.py",
    "training/test_determinism.py",
    "monitoring/test_live.py",
    "training/test_olist.py",
    "kubernetes/test_running.py",
    "segmentation/test_registry.py",
    "training/test_compare.py",
    "training/test_gate_shop.py",
    "training/test_cli.py",
    "training/test_import.py",
    "training/test_published.py",
    "kubernetes/test_render.py",
    "training/test_retraining.py",
    "training/test_history.py",
    "service/test_gunicorn.py",
    "service/test_slow_clients.py",
    "service/test_fuzzing.py",
    "reliability/test_reload.py",
    "reliability/test_store_s3.py",
    "training/test_retraining_cli.py",
    "training/test_maintenance.py",
)
"""Files, longest first: begun last, one of them would be waited for by the other processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort files; a file's tests stay in their order. Xdist is told to leave it at that (--no-loadscope-reorder)."""
    ranks = {Path(__file__).parent / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real tables; where the variable is set they must be there."""
    folder = os.environ.get(TEST_DATA)
    if not folder:
        pytest.skip(f"{TEST_DATA} is not set")
    if not Path(folder, "olist").is_dir():
        pytest.fail(f"{TEST_DATA} is {folder}, which has no folder olist")
    return Path(folder)


@pytest.fixture(scope="session")
def sample_configuration() -> Configuration:
    return configuration.load("sample", assignments=["sample.customers=3000", "refits.times=8"])


@pytest.fixture(scope="session")
def sample_result(
    sample_configuration: Configuration, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> job.Result:
    """A model of the generated shop, made once."""
    return once(
        tmp_path_factory, worker_id, "sample",
        lambda: job.make("sample", None, sample_configuration, Settings(), created=MADE),
    )  # fmt: skip


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """An empty registry in a directory."""
    return open_registry(str(tmp_path / "registry"))


@pytest.fixture(scope="session")
def released(sample_result: job.Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry in which the sample model is live, for tests to copy."""
    folder = tmp_path_factory.mktemp("released") / "registry"
    job.release(sample_result, open_registry(str(folder)), "production")
    return folder


@pytest.fixture
def published(registry: Registry, released: Path) -> Registry:
    """A registry in which the sample model is live."""
    shutil.copytree(released, registry.url)
    return registry


def put_live(registry: Registry, made: Bundle, why: str) -> None:
    """Publish a model and move the alias whatever it is like, as a careless or hostile publisher would."""
    registry.publish(made.card.version, made.card_content, made.files)
    publish.promote(registry, "production", made.card.version, why)


@pytest.fixture
def database() -> Iterator[object]:
    with open_database(Settings()) as opened:
        yield opened
