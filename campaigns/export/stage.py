"""Where tables wait in S3 to be loaded: Parquet parts and a manifest for each, gone when they are."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from campaigns.export.data_api import refused
from campaigns.export.star import literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

PART_MEGABYTES = 64

_STALE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A prefix of a bucket.

    Parameters
    ----------
    bucket
        Its name.
    prefix
        Of all keys; empty, or with a slash at its end.
    """

    bucket: str
    prefix: str

    @contextmanager
    def holding(
        self, connection: duckdb.DuckDBPyConnection, selects: Mapping[str, str], folder: Path
    ) -> Iterator[dict[str, str]]:
        """Put tables there for a while; what a killed run left there longer than a day ago goes as well.

        Parameters
        ----------
        connection
            Where the tables are.
        selects
            Query by name.
        folder
            For temporary files.

        Yields
        ------
        dict of str to str
            URL of the manifest by name.

        Raises
        ------
        WarehouseError
            S3 refuses or does not answer.
        """
        place = f"{self.prefix}segmentation-export/{uuid.uuid4().hex}/"
        shown = f"s3://{self.bucket}/{self.prefix}"
        keys: list[str] = []
        try:
            client: Any = boto3.Session().client("s3")
            self._sweep(client)
            try:
                for name, select in selects.items():
                    entries = []
                    for part in _parts(connection, select, folder / name):
                        keys.append(f"{place}{name}/{part.name}")
                        # Redshift asks for the length of columnar files beforehand.
                        length = {"content_length": part.stat().st_size}
                        client.upload_file(str(part), self.bucket, keys[-1])
                        part.unlink()
                        entries.append({"url": f"s3://{self.bucket}/{keys[-1]}", "mandatory": True, "meta": length})
                    keys.append(f"{place}{name}.manifest")
                    client.put_object(Bucket=self.bucket, Key=keys[-1], Body=json.dumps({"entries": entries}))
                yield {name: f"s3://{self.bucket}/{place}{name}.manifest" for name in selects}
            finally:
                for key in keys:
                    client.delete_object(Bucket=self.bucket, Key=key)
        except S3UploadFailedError as error:
            raise refused(error.__cause__ or error.__context__ or error, shown) from error
        except (BotoCoreError, ClientError) as error:
            raise refused(error, shown) from error

    def _sweep(self, client: Any) -> None:
        before = datetime.now(UTC) - _STALE
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}segmentation-export/"
        )
        for page in pages:
            for item in page.get("Contents", []):
                if item["LastModified"] < before:
                    client.delete_object(Bucket=self.bucket, Key=item["Key"])


def _parts(connection: duckdb.DuckDBPyConnection, select: str, folder: Path) -> list[Path]:
    connection.execute(
        f"COPY ({select}) TO {literal(str(folder))} "
        f"(FORMAT parquet, COMPRESSION snappy, FILE_SIZE_BYTES '{PART_MEGABYTES}MB')"
    )
    return sorted(folder.iterdir())
