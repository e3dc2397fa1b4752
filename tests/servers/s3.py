"""An S3 endpoint in this process, for tests of what the registry does; it checks no signatures."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

BUCKET = "models"


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start the endpoint, point the AWS variables at it, make a bucket; gives the bucket's URL."""
    with served() as endpoint:
        yield emptied(monkeypatch, endpoint)


@contextmanager
def served() -> Iterator[str]:
    """Start the endpoint; gives its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def emptied(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> str:
    """Point the AWS variables at an endpoint and leave nothing in it but a new bucket; gives the bucket's URL."""
    point_to(monkeypatch, endpoint)
    # Its state is the process's: what an earlier test left is cleared.
    for method, place in (("POST", "moto-api/reset"), ("PUT", BUCKET)):
        urlopen(Request(f"{endpoint}/{place}", method=method), timeout=10).close()
    return f"s3://{BUCKET}/registry"


def point_to(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, access_key: str = "testing", secret_key: str = "testing"
) -> None:
    """Set the standard AWS variables."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
