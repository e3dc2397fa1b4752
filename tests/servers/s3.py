"""An S3 endpoint in this process, for tests of what the registry does; it checks no signatures."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "models"


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start the endpoint, point the AWS variables at it, make a bucket; gives the bucket's URL."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        point_to(monkeypatch, f"http://{host}:{port}")
        # Its state is the process's: what an earlier test left is cleared.
        urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST"), timeout=10).close()
        boto3.Session().client("s3").create_bucket(Bucket=BUCKET)
        yield f"s3://{BUCKET}/registry"
    finally:
        server.stop()


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
