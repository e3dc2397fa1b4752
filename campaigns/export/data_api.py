"""Statements through Amazon's Redshift Data API: sent, waited for, and their own errors told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, ParamValidationError

from campaigns.errors import (
    StatementFailedError,
    WarehouseAccessError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseUnavailableError,
)
from campaigns.export.statements import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_SECONDS = 3600.0

FIRST = "another export came first"
"""What a statement says that finds the history longer than it was."""

_RACES = (FIRST, "serializable isolation", "concurrent transaction", "conflict")

_FIRST_LOOK_SECONDS, _LAST_LOOK_SECONDS = 0.1, 5.0

_REFUSALS = {
    "AccessDenied", "AccessDeniedException", "BatchExecuteStatementException", "ExecuteStatementException",
    "ExpiredTokenException", "InvalidAccessKeyId", "InvalidSignatureException", "NoSuchBucket", "NoSuchKey",
    "ResourceNotFoundException", "SignatureDoesNotMatch", "UnrecognizedClientException", "ValidationException",
    "403", "404",
}  # fmt: skip


class DataAPI:
    """A database of a cluster or a serverless workgroup.

    Parameters
    ----------
    where
        `ClusterIdentifier` or `WorkgroupName`, `Database`, and `DbUser` or `SecretArn` where they are needed.
    shown
        The same for people.
    longest_seconds
        After which a statement is cancelled.
    """

    def __init__(self, where: Mapping[str, str], shown: str, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._where, self._shown, self._longest = dict(where), shown, longest_seconds
        try:
            self._client: Any = boto3.Session().client("redshift-data")
        except (BotoCoreError, ValueError) as error:
            raise refused(error, shown) from error

    def query(self, sql: str, values: Mapping[str, str | int]) -> list[list[Any]]:
        """Run one statement.

        Parameters
        ----------
        sql
            With `:named` parameters.
        values
            By name; those that the statement does not name are left out.

        Returns
        -------
        list of list
            All rows; NULL is None.

        Raises
        ------
        WarehouseError
            It was refused, failed, or took too long.
        """
        chosen = _chosen(sql, values)
        sent = self._ask("execute_statement", Sql=sql, **self._where, **chosen)
        told = self._finished(sent["Id"])
        if not told.get("HasResultSet"):
            return []
        rows: list[list[Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self._ask("get_statement_result", Id=sent["Id"], **token)
            rows += [[_value(field) for field in record] for record in page["Records"]]
            if not page.get("NextToken"):
                return rows
            token = {"NextToken": page["NextToken"]}

    def transaction(self, sqls: Sequence[str]) -> list[int]:
        """Run statements as one transaction: all of them, or none.

        Parameters
        ----------
        sqls
            At most 40, without parameters: Amazon does not say what becomes of a colon in a constant beside them.

        Returns
        -------
        list of int
            Rows that each statement touched, as far as Redshift tells.

        Raises
        ------
        WarehouseError
            It was refused, failed, or took too long.
        """
        sent = self._ask("batch_execute_statement", Sqls=list(sqls), **self._where)
        told = self._finished(sent["Id"])
        return [int(each.get("ResultRows", -1)) for each in told.get("SubStatements", [])]

    def _finished(self, identity: str) -> dict[str, Any]:
        patience, pause = time.monotonic() + self._longest, _FIRST_LOOK_SECONDS
        while True:
            told: dict[str, Any] = self._ask("describe_statement", Id=identity)
            if told["Status"] == "FINISHED":
                return told
            if told["Status"] in ("FAILED", "ABORTED"):
                raise self._failed(told)
            if time.monotonic() > patience:
                self._ask("cancel_statement", Id=identity)
                raise WarehouseUnavailableError(
                    f"{self._shown}: statement {identity} was not done after {self._longest:g} s, and was cancelled",
                    hint="look at what the cluster is busy with, and run it again",
                )
            time.sleep(pause)
            pause = min(pause * 2, _LAST_LOOK_SECONDS)

    def _failed(self, told: Mapping[str, Any]) -> WarehouseError:
        if told["Status"] == "ABORTED":
            return StatementFailedError(
                f"{self._shown}: statement {told['Id']} was aborted", hint="somebody cancelled it; nothing was changed"
            )
        said = str(told.get("Error") or "no reason told").splitlines()[0]
        lowered = said.lower()
        if (
            FIRST in lowered
            or "serializable isolation" in lowered
            or "concurrent transaction" in lowered
            or "conflict" in lowered
        ):
            return WarehouseBusyError(
                f"{self._shown}: another run is at work there", hint="run it again when that one is done"
            )
        if "permission denied" in lowered or "not authorized" in lowered or "authentication" in lowered:
            return WarehouseAccessError(
                f"{self._shown} refuses: {said}", hint="docs/warehouse.md lists the rights that user and role need"
            )
        return StatementFailedError(
            f"{self._shown}: statement {told['Id']} failed: {said}",
            hint="sys_query_history and sys_load_error_detail tell more; nothing was changed",
        )

    def _ask(self, operation: str, **values: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**values)
        except (BotoCoreError, ClientError) as error:
            raise refused(error, self._shown) from error
        return answer


def refused(error: Exception, shown: str) -> WarehouseError:
    """What an error of AWS means.

    Parameters
    ----------
    error
        Of botocore.
    shown
        What was asked.

    Returns
    -------
    WarehouseError
        To raise from it.
    """
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "an unknown error"))
        said = str(error.response.get("Error", {}).get("Message", ""))
        if code in _REFUSALS:
            return WarehouseAccessError(
                f"{shown} refuses: {code}: {said}", hint="check --to, the AWS_* variables and the rights they give"
            )
        return WarehouseUnavailableError(f"{shown} answers {code}", hint="run it again later")
    if isinstance(error, NoCredentialsError | NoRegionError | ParamValidationError | ValueError):
        return WarehouseAccessError(
            f"{shown} cannot be asked: {str(error).splitlines()[0]}",
            hint="set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION, or run with a role",
        )
    return WarehouseUnavailableError(f"{shown} does not answer: {type(error).__name__}", hint="run it again later")


def _chosen(sql: str, values: Mapping[str, str | int]) -> dict[str, Any]:
    """Those parameters that are named: Redshift refuses others, and an empty list."""
    found = [{"name": name, "value": str(values[name])} for name in sorted(parameters(sql))]
    return {"Parameters": found} if found else {}


def _value(field: Mapping[str, Any]) -> Any:
    return None if field.get("isNull") else next(iter(field.values()))
