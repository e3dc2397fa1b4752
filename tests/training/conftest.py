"""A small shop, loaded once, and its page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend

from segmentation.features import ORDER_FEATURES
from segmentation.settings import Settings
from segmentation.tables import ORDERS
from tests.training.explored import load
from training.database import open_database
from training.explore import explore
from training.snapshot import Snapshot, take
from training.sources.loaded import Loaded
from training.sources.sample import generate


@pytest.fixture(scope="module")
def work() -> Iterator[Backend]:
    with open_database(Settings()) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(work: Backend) -> tuple[Loaded, Snapshot]:
    loaded = load(work, ORDERS, ORDER_FEATURES, generate(1_200, 3))
    return loaded, take(work, loaded, ORDER_FEATURES)


@pytest.fixture(scope="module")
def written(work: Backend, shop: tuple[Loaded, Snapshot], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explore(work, *shop, tmp_path_factory.mktemp("explore") / "new" / "folder")
