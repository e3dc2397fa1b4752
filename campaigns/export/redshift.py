"""The star in Redshift: files in S3, and one batch of statements that is one transaction."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from campaigns.export import statements, tables
from campaigns.export.data_api import DataAPI, refused
from campaigns.export.outcome import Exported, Forgotten, summarised
from campaigns.export.star import TABLES, literal
from segmentation.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.export.star import Snapshot

_OPTIONS = ("stage", "role", "user", "secret")
_STALE = timedelta(days=1)

# Division by zero ends the whole transaction, which has no other way to look at itself.
_CHECK = (
    "SELECT 1 / CASE WHEN count(*) = :customers THEN 1 ELSE 0 END AS complete "
    "FROM {schema}.assignments WHERE snapshot_key = :snapshot_key"
)


class Redshift:
    """A schema of a Redshift database, reached through the Data API.

    Parameters
    ----------
    url
        redshift://CLUSTER/DATABASE or redshift-serverless://WORKGROUP/DATABASE, then ?stage=s3://bucket/prefix, where
        files wait to be loaded, &role=ARN, which Redshift reads them with; &user= or &secret=ARN where they are needed.
    schema
        Where the tables are; made if it is not there.

    Raises
    ------
    ConfigurationError
        The address cannot be understood.
    """

    def __init__(self, url: str, schema: str) -> None:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name in given:
            if name not in _OPTIONS:
                raise ConfigurationError(f"--to: Redshift takes no {name!r}", hint=nearest(name, _OPTIONS, "it takes"))
        database = unquote(parts.path.strip("/"))
        for name, value in (("a cluster or workgroup", parts.netloc), ("a database", database)):
            if not value:
                raise ConfigurationError(f"--to names no {name.removeprefix('a ')}", hint=_SHAPE)
        for name in ("stage", "role"):
            if not given.get(name):
                raise ConfigurationError(f"--to lacks {name}=", hint=_SHAPE)
        stage = urlsplit(given["stage"])
        if stage.scheme != "s3" or not stage.netloc:
            raise ConfigurationError(f"stage={given['stage']} is not s3://bucket/prefix", hint=_SHAPE)
        if not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+|default", given["role"]):
            raise ConfigurationError("role= is neither the ARN of an IAM role nor default", hint=_SHAPE)
        self._schema, self._role = statements.require_schema(schema), given["role"]
        self._bucket, prefix = stage.netloc, stage.path.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        which = "WorkgroupName" if parts.scheme == "redshift-serverless" else "ClusterIdentifier"
        where = {which: parts.netloc, "Database": database}
        where |= {
            name: given[option] for name, option in (("DbUser", "user"), ("SecretArn", "secret")) if option in given
        }
        self.shown = f"Redshift {parts.netloc}/{database}, schema {schema}"
        self._api = DataAPI(where, self.shown)

    def export(self, snapshot: Snapshot, folder: Path) -> Exported:
        """Write a snapshot.

        Parameters
        ----------
        snapshot
            What to write.
        folder
            For temporary files.

        Returns
        -------
        Exported
            What was done.

        Raises
        ------
        WarehouseError
            It cannot be done; then all is as it was.
        """
        self._make_tables()
        (statement,) = statements.read("present", self._schema)
        present = self._api.query(statement, snapshot.parameters)
        if present and present[0][0] == snapshot.content and int(present[0][1]) == int(present[0][2]):
            return Exported("present", *self._moved(snapshot))
        files = {table: folder / f"{table}.csv" for table in TABLES}
        for table, file in files.items():
            snapshot.write_csv(table, file)
        values = {**snapshot.parameters, "customers": snapshot.customers}
        with self._staged(list(files.values())) as place:
            self._api.transaction(
                [
                    *(statements.bound(one, values) for one in statements.read("remove", self._schema)),
                    *(
                        self._copy(f'"{self._schema}".{table} ({", ".join(TABLES[table])})', f"{place}{file.name}")
                        for table, file in files.items()
                    ),
                    statements.bound(_CHECK.replace("{schema}", f'"{self._schema}"'), values),
                ]
            )
        return Exported("replaced" if present else "written", *self._moved(snapshot))

    def forget(self, ids: Path) -> Forgotten:
        """Remove customers from all snapshots, and their rows from the disks.

        Parameters
        ----------
        ids
            CSV, one quoted id per line.

        Returns
        -------
        Forgotten
            How many rows there were, where Redshift tells.

        Raises
        ------
        WarehouseError
            It cannot be done; then all is as it was.
        """
        if tables.TABLES_SCRIPT in self._missing():
            raise tables.nothing_there(self.shown)
        with self._staged([ids]) as place:
            touched = self._api.transaction(
                [
                    "CREATE TEMPORARY TABLE forgotten (customer_id VARCHAR(65535))",
                    self._copy("forgotten", f"{place}{ids.name}"),
                    *statements.read("forget", self._schema),
                ]
            )
        self._api.query(f'VACUUM DELETE ONLY "{self._schema}".assignments', {})
        return Forgotten(touched[-1] if touched and touched[-1] >= 0 else None)

    def _make_tables(self) -> None:
        scripts = self._missing()
        if scripts:
            made = [statement for script in scripts for statement in statements.read(script, self._schema)]
            self._api.transaction([f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"', *made])

    def _missing(self) -> list[str]:
        (statement,) = statements.read("columns", self._schema)
        rows = self._api.query(statement, {"schema_name": self._schema})
        return tables.missing(((str(row[0]), str(row[1])) for row in rows), self._schema)

    def _moved(self, snapshot: Snapshot) -> tuple[Any, bool]:
        (statement,) = statements.read("moved", self._schema)
        return summarised(self._api.query(statement, snapshot.parameters))

    def _copy(self, into: str, url: str) -> str:
        role = "default" if self._role == "default" else literal(self._role)
        return f"COPY {into} FROM {literal(url)} IAM_ROLE {role} FORMAT AS CSV EMPTYASNULL TIMEFORMAT 'auto'"

    @contextmanager
    def _staged(self, files: list[Path]) -> Iterator[str]:
        """Files in S3 while they are loaded; what a killed run left there longer than a day ago goes as well."""
        place = f"{self._prefix}segmentation-export/{uuid.uuid4().hex}/"
        shown = f"s3://{self._bucket}/{self._prefix}"
        try:
            client: Any = boto3.Session().client("s3")
            self._sweep(client)
            try:
                for file in files:
                    client.upload_file(str(file), self._bucket, f"{place}{file.name}")
                yield f"s3://{self._bucket}/{place}"
            finally:
                for file in files:
                    client.delete_object(Bucket=self._bucket, Key=f"{place}{file.name}")
        except S3UploadFailedError as error:
            raise refused(error.__cause__ or error.__context__ or error, shown) from error
        except (BotoCoreError, ClientError) as error:
            raise refused(error, shown) from error

    def _sweep(self, client: Any) -> None:
        before = datetime.now(UTC) - _STALE
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}segmentation-export/"
        )
        for page in pages:
            for item in page.get("Contents", []):
                if item["LastModified"] < before:
                    client.delete_object(Bucket=self._bucket, Key=item["Key"])


_SHAPE = "write redshift-serverless://WORKGROUP/DATABASE?stage=s3://BUCKET/PREFIX&role=ARN; a cluster with redshift://"
