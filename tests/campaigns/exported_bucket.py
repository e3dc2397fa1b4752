"""What is in a bucket that was exported to, seen as a reader sees it; and stores that do not do as they are told."""

import hashlib
import json
import os
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import duckdb
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from campaigns.export.contract import TABLES

Answer = Callable[[AWSPreparedRequest], tuple[int, str] | Exception | None]
"""Status and code that a request is answered with, an error that is met instead, or None: it goes its way."""

_LOADER = botocore.session.Session().get_component("data_loader")


def load_boto_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all clients share what they read about S3: half a second for each, in tests that make dozens of them."""
    monkeypatch.setattr(
        botocore.session.Session,
        "_register_data_loader",
        lambda session: session.register_component("data_loader", _LOADER),
    )


def client() -> Any:
    """Of the place that the variables of AWS lead to."""
    return _client(*(os.environ[f"AWS_{name}"] for name in ("ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY")))


@cache
def _client(endpoint: str, access_key: str, secret_key: str) -> Any:
    return boto3.Session().client("s3")


def parts(url: str) -> tuple[str, str]:
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return bucket, f"{prefix}/" if prefix else ""


def current(url: str) -> dict[str, Any]:
    """What current.json says."""
    bucket, prefix = parts(url)
    said = json.load(client().get_object(Bucket=bucket, Key=f"{prefix}current.json")["Body"])
    assert isinstance(said, dict)
    return said


def keys(url: str) -> list[str]:
    bucket, prefix = parts(url)
    found = client().list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return sorted(item["Key"].removeprefix(prefix) for item in found)


def uploads(url: str) -> list[str]:
    """Keys of uploads that are not finished."""
    bucket, prefix = parts(url)
    return [item["Key"] for item in client().list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", [])]


def content(url: str, key: str) -> bytes:
    bucket, prefix = parts(url)
    return bytes(client().get_object(Bucket=bucket, Key=prefix + key)["Body"].read())


def seen(url: str) -> str:
    """A digest of all that a reader sees."""
    digest = hashlib.sha256()
    for key in sorted(current(url)["files"].values()):
        digest.update(content(url, key))
    return digest.hexdigest()


@contextmanager
def opened(url: str, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of the current generation."""
    said = current(url)
    folder.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            file = folder / f"{table}.{said['format']}"
            file.write_bytes(content(url, said["files"][table]))
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM '{file}'")
        yield connection


def now(url: str, folder: Path) -> set[tuple[Any, ...]]:
    """Who is where."""
    with opened(url, folder) as connection:
        return set(
            connection.execute(
                "SELECT customer, segment, confidence FROM customer_segment WHERE valid_to IS NULL"
            ).fetchall()
        )


def answering(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Let some requests be answered otherwise, before they reach the server."""
    send = URLLib3Session.send

    def sent(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        said = answer(request)
        if said is None:
            return send(session, request)
        if isinstance(said, Exception):
            raise said
        raw = _Raw(f"<Error><Code>{said[1]}</Code></Error>".encode())
        return AWSResponse(request.url, said[0], {}, raw)

    monkeypatch.setattr(URLLib3Session, "send", sent)


def refusing(method: str, within: str, status: int, code: str) -> Answer:
    """An answer to requests of a method to a key."""

    def answer(request: AWSPreparedRequest) -> tuple[int, str] | None:
        fits = request.method == method and within in urllib.parse.unquote(request.url)
        return (status, code) if fits else None

    return answer


def cut(method: str, within: str) -> Answer:
    """No answer to them."""

    def answer(request: AWSPreparedRequest) -> Exception | None:
        fits = request.method == method and within in request.url
        return EndpointConnectionError(endpoint_url="http://store") if fits else None

    return answer


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body
