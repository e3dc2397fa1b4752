"""What the tests of campaigns share: the sample base, assigned by its model, as a file with features."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from segmentation.opening import proved
from segmentation.registry import Registry, open_registry
from segmentation.settings import Settings
from tests.campaigns.experiments import Desk, write_base
from tests.servers import postgres
from tests.servers.postgres import Postgres
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


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """A PostgreSQL server; its tests are marked `postgres`."""
    with postgres.running("fsync=off") as running:
        yield running


@pytest.fixture
def database(server: Postgres) -> str:
    """The URL of an empty database: the server's own, emptied, which is faster than making one."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg%' AND nspname <> 'information_schema'"
        ).fetchall()
        for (schema,) in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    return server.url()


@pytest.fixture(scope="session")
def experiment_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """15,000 customers of three segments, and a key."""
    folder = tmp_path_factory.mktemp("experiments")
    (folder / "key").write_text("0123456789abcdef" * 4, encoding="ascii")
    return write_base(folder / "base.parquet")


@pytest.fixture
def desk(experiment_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Where an experiment is made: a folder with the base, the key in the environment."""
    monkeypatch.setenv("SEGMENTATION_CUSTOMER_KEY_FILE", str(experiment_base.with_name("key")))
    (tmp_path / "base.parquet").symlink_to(experiment_base)
    return Desk(tmp_path, lambda moment: monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(moment.timestamp()))))
