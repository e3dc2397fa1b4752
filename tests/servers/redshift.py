"""A stand-in for Redshift's Data API: boto3 speaks HTTP with it, and its statements run in a real PostgreSQL.

There is no Redshift to be had for tests. What this proves is the shape of the calls, the polling, the errors, that a
batch is one transaction, and that all SQL but COPY is common to both; COPY reads a manifest and its parts from S3 and
loads them here.
"""

import io
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import psycopg
import pytest
from pyarrow import parquet

COPY = re.compile(
    r"COPY (?P<into>.+) FROM 's3://(?P<bucket>[^/]+)/(?P<key>.+)' IAM_ROLE '(?P<role>arn:aws:iam::\d{12}:role/\S+)' "
    r"FORMAT AS PARQUET MANIFEST"
)


@dataclass
class Redshift:
    """The stand-in.

    Attributes
    ----------
    asked
        Bodies of all requests, with the operation.
    failing
        What the next statement that is described fails with, instead of being run.
    refusing
        Error code that the next requests are answered with.
    polls
        How often a statement is described as not done.
    stuck
        Statements are never done.
    """

    database: str
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failing: str = ""
    refusing: str = ""
    polls: int = 1
    stuck: bool = False
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append((operation, body))
        if self.refusing:
            return 400, {"__type": self.refusing, "message": "not you"}
        if operation in ("ExecuteStatement", "BatchExecuteStatement"):
            identity = str(uuid.uuid4())
            given = {one["name"]: one["value"] for one in body.get("Parameters", [])}
            self.statements[identity] = self._run(body.get("Sqls") or [body["Sql"]], given, identity)
            return 200, {"Id": identity}
        told = self.statements[body["Id"]]
        if operation == "CancelStatement":
            told["answer"] = {"Id": body["Id"], "Status": "ABORTED"}
            return 200, {"Status": True}
        if operation == "GetStatementResult":
            return 200, {"ColumnMetadata": [], "Records": told["rows"], "TotalNumRows": len(told["rows"])}
        told["polls"] += 1
        if self.stuck or told["polls"] <= self.polls:
            return 200, {"Id": body["Id"], "Status": ("SUBMITTED", "PICKED", "STARTED")[min(told["polls"], 3) - 1]}
        return 200, told["answer"]

    def _run(self, sqls: list[str], given: dict[str, str], identity: str) -> dict[str, Any]:
        rows: list[Any] = []
        parts: list[dict[str, Any]] = []
        if self.failing:
            answer: dict[str, Any] = {"Id": identity, "Status": "FAILED", "Error": self.failing}
            self.failing = ""
            return {"answer": answer, "rows": rows, "polls": 0}
        try:
            alone = len(sqls) == 1 and sqls[0].startswith("VACUUM")
            with psycopg.connect(self.database, autocommit=alone) as connection, connection.cursor() as cursor:
                cursor.execute("SET TimeZone = 'UTC'")
                for sql in sqls:
                    self._one(cursor, sql, given)
                    parts.append({"Id": f"{identity}:{len(parts) + 1}", "ResultRows": cursor.rowcount})
                rows = [[_field(value) for value in row] for row in cursor.fetchall()] if cursor.description else []
            answer = {"Id": identity, "Status": "FINISHED", "HasResultSet": bool(rows), "SubStatements": parts}
        except psycopg.Error as error:
            answer = {"Id": identity, "Status": "FAILED", "Error": f"ERROR: {error.diag.message_primary}"}
        return {"answer": answer, "rows": rows, "polls": 0}

    @staticmethod
    def _one(cursor: "psycopg.Cursor[Any]", sql: str, given: dict[str, str]) -> None:
        copy = COPY.fullmatch(sql)
        if copy is None:
            sql = sql.replace("VACUUM DELETE ONLY", "VACUUM").replace("%", "%%")
            # Redshift turns the text of a parameter into the type that is needed.
            bound = re.sub(r"(?<!:):([a-z_]+)", lambda name: psycopg.sql.quote(given[name[1]]), sql)
            cursor.execute(bound.replace("%%", "%").encode())
            return
        client = boto3.Session().client("s3")
        manifest = json.loads(client.get_object(Bucket=copy["bucket"], Key=copy["key"])["Body"].read())
        for entry in manifest["entries"]:
            bucket, _, key = entry["url"].removeprefix("s3://").partition("/")
            content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
            assert (len(content), entry["mandatory"]) == (entry["meta"]["content_length"], True)
            with cursor.copy(f"COPY {copy['into']} FROM STDIN".encode()) as target:
                for row in zip(*parquet.read_table(io.BytesIO(content)).to_pydict().values(), strict=True):
                    target.write_row(row)


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    kind = {bool: "booleanValue", int: "longValue", float: "doubleValue"}.get(type(value), "stringValue")
    return {kind: value if kind != "stringValue" else str(value)}


@contextmanager
def running(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redshift]:
    """Start it, and point boto3's Redshift Data API there."""
    redshift = Redshift(database)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, told = redshift.answer(operation, body)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test says what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", f"http://127.0.0.1:{server.server_address[1]}")
    try:
        yield redshift
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
