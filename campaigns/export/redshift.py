"""The star in Redshift: Parquet in S3, and one batch of statements that is one transaction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import duckdb

from campaigns.export import statements, tables
from campaigns.export.contract import STAGED, TABLES
from campaigns.export.data_api import FIRST, DataAPI
from campaigns.export.history import place
from campaigns.export.outcome import Exported, Forgotten, Movement, summarised
from campaigns.export.stage import Stage
from campaigns.export.star import literal
from campaigns.ids import written_ids
from segmentation.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.export.star import Snapshot

_OPTIONS = ("stage", "role", "user", "secret")

# A transaction of the Data API cannot look at what it finds: text that is no number ends it, and says why.
_NOBODY_ELSE = (
    f"SELECT CAST(CASE WHEN count(*) = :before THEN '1' ELSE '{FIRST}' END AS INTEGER) AS alone FROM {{schema}}.exports"
)
_COMPLETE = (
    "SELECT CAST(CASE WHEN count(*) = :customers THEN '1' ELSE 'customers are missing' END AS INTEGER) AS complete "
    "FROM {schema}.customer_segment WHERE valid_to IS NULL"
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
        prefix = stage.path.strip("/")
        self._stage = Stage(stage.netloc, f"{prefix}/" if prefix else "")
        which = "WorkgroupName" if parts.scheme == "redshift-serverless" else "ClusterIdentifier"
        where = {which: parts.netloc, "Database": database}
        where |= {
            name: given[option] for name, option in (("DbUser", "user"), ("SecretArn", "secret")) if option in given
        }
        self.shown = f"Redshift {parts.netloc}/{database}, schema {schema}"
        self._api = DataAPI(where, self.shown)

    def export(self, snapshot: Snapshot, folder: Path) -> Exported:
        """Write an export.

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
        (statement,) = statements.read("history", self._schema)
        rows = self._api.query(statement, snapshot.parameters())
        found = place(rows, snapshot, self.shown)
        if found.what == "present" and found.whole in (None, self._counted()):
            return Exported("present", self._moved(snapshot))
        snapshot.compare_with(found.previous_version)
        selects = {table: f"SELECT {', '.join(columns)} FROM star_{table}" for table, columns in STAGED.items()}
        with self._stage.holding(snapshot.connection, selects, folder) as manifests:
            self._api.transaction(self._statements(snapshot, found.number, len(rows), manifests))
        return Exported("written" if found.what == "written" else "replaced", self._moved(snapshot))

    def forget(self, ids: Path) -> Forgotten:
        """Remove customers from all of history, and their rows from the disks.

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
        if self._missing():
            raise tables.nothing_there(self.shown)
        select = f"SELECT * FROM {written_ids(ids)}"
        with (
            duckdb.connect() as connection,
            self._stage.holding(connection, {"forgotten": select}, ids.parent) as manifests,
        ):
            touched = self._api.transaction(
                [
                    "CREATE TEMPORARY TABLE forgotten (customer_id VARCHAR(65535))",
                    self._copy("forgotten", manifests["forgotten"]),
                    *statements.read("forget", self._schema),
                ]
            )
        self._api.query(f'VACUUM DELETE ONLY "{self._schema}".customer_segment', {})
        return Forgotten(touched[-1] if touched and touched[-1] >= 0 else None)

    def _statements(self, snapshot: Snapshot, number: int, before: int, manifests: dict[str, str]) -> list[str]:
        values = {**snapshot.parameters(number), "before": before}
        making = statements.read("tables", self._schema)[list(TABLES).index("segment")]
        columns = ", ".join(TABLES["segment"])
        schema = f'"{self._schema}"'

        def script(name: str) -> list[str]:
            return [statements.bound(one, values) for one in statements.read(name, self._schema)]

        def check(statement: str) -> str:
            return statements.bound(statement.replace("{schema}", schema), values)

        return [
            f"LOCK {schema}.exports",
            check(_NOBODY_ELSE),
            *script("staging"),
            self._copy("assigned", manifests["assigned"]),
            # COPY of Parquet goes by the order of columns, and the contract's table may have got more of them.
            making.replace(f"CREATE TABLE {schema}.segment", "CREATE TEMPORARY TABLE described"),
            self._copy("described", manifests["segment"]),
            *(script("undo") if number <= before else []),
            *script("segments"),
            f"INSERT INTO {schema}.segment ({columns}) SELECT {columns} FROM described",
            *script("begin"),
            *script("compare"),
            *script("movement"),
            *script("advance"),
            check(_COMPLETE),
        ]

    def _make_tables(self) -> None:
        if self._missing():
            self._api.transaction(
                [f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"', *statements.read("tables", self._schema)]
            )

    def _missing(self) -> bool:
        (statement,) = statements.read("columns", self._schema)
        rows = self._api.query(statement, {"schema_name": self._schema})
        return tables.missing(((str(row[0]), str(row[1])) for row in rows), self._schema)

    def _counted(self) -> int:
        (statement,) = statements.read("counted", self._schema)
        return int(self._api.query(statement, {})[0][0])

    def _moved(self, snapshot: Snapshot) -> tuple[Movement, ...]:
        (statement,) = statements.read("moved", self._schema)
        return summarised(self._api.query(statement, snapshot.parameters()))

    def _copy(self, into: str, manifest: str) -> str:
        role = "default" if self._role == "default" else literal(self._role)
        return f"COPY {into} FROM {literal(manifest)} IAM_ROLE {role} FORMAT AS PARQUET MANIFEST"


_SHAPE = "write redshift-serverless://WORKGROUP/DATABASE?stage=s3://BUCKET/PREFIX&role=ARN; a cluster with redshift://"
