"""Object stores for the tests of every room: each test has a place of its own, in a server that is started once."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.servers import ceph, s3

CEPH = pytest.param("on_ceph", marks=pytest.mark.ceph)


@pytest.fixture(scope="session")
def ceph_server() -> Iterator[ceph.Ceph]:
    """Ceph with a bucket, started once."""
    ceph.require()
    with tempfile.TemporaryDirectory(prefix="ceph-") as folder, ceph.running(Path(folder)) as server:
        boto3.Session().client(
            "s3", endpoint_url=server.endpoint, region_name="us-east-1",
            aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key,
        ).create_bucket(Bucket=s3.BUCKET)  # fmt: skip
        yield server


@pytest.fixture
def on_ceph(ceph_server: ceph.Ceph, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place that nobody has written to, and the variables that lead there."""
    s3.point_to(monkeypatch, ceph_server.endpoint, ceph_server.access_key, ceph_server.secret_key)
    return f"s3://{s3.BUCKET}/{uuid.uuid4()}/registry"


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """Moto, started once."""
    with s3.served() as endpoint:
        yield endpoint


@pytest.fixture
def on_moto(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    return s3.emptied(monkeypatch, moto_server)


@pytest.fixture(params=["on_moto", CEPH])
def s3_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))
