"""What the tests of campaigns share: the sample base, assigned by its model, as a file with features."""

from pathlib import Path

import pytest

from segmentation.opening import proved
from segmentation.registry import Registry, open_registry
from segmentation.settings import Settings
from training import job, sources
from training.assign import assign
from training.configuration import Configuration
from training.database import open_database


@pytest.fixture(scope="session")
def sample_registry(sample_result: job.Result, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A registry in which the sample model is live."""
    registry = open_registry(str(tmp_path_factory.mktemp("campaigns") / "registry"))
    job.release(sample_result, registry, "production")
    return registry


@pytest.fixture(scope="session")
def sample_assignments(
    sample_registry: Registry, sample_configuration: Configuration, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The sample base as `python -m training assign --with-features` writes it: 3,000 customers."""
    out = tmp_path_factory.mktemp("assigned") / "segments.parquet"
    with open_database(Settings()) as database:
        loaded = sources.load(database, "sample", None, sample_configuration, None)
        model = proved(sample_registry, sample_registry.live("production").version)
        assign(database, loaded, model, out, with_features=True)
    return out
