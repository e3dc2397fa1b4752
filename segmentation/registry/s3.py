"""A registry in S3-compatible storage. Endpoint, region, keys and retries come from botocore's settings."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from segmentation.errors import StoreAccessError, StoreUnavailableError

_REFUSALS = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidBucketName": "the bucket's name is not valid",
    "InvalidAccessKeyId": "the access key is unknown",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "AccessDenied": "access is denied",
    "403": "access is denied",
    "ExpiredToken": "the credentials have expired",
    "RequestTimeTooSkewed": "the clock of this machine or of the store is wrong",
}
_PATIENCE = Config(connect_timeout=5, read_timeout=20)
"""botocore's own is a minute for each of several tries; the variables of AWS have none for these."""

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class S3Store:
    """Keys are objects below a prefix of a bucket; conditional writes decide who was first.

    Parameters
    ----------
    bucket, prefix
        Where the registry lives; the prefix may be empty.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        try:
            # A session of its own: the default one keeps the first credentials it saw.
            self._client: Any = boto3.Session().client("s3", config=_PATIENCE)
        except (BotoCoreError, ValueError) as error:
            raise failure(self.url, error) from error

    @property
    def url(self) -> str:
        """The bucket and prefix as a URL."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, key: str) -> bytes | None:
        """See `Store.read`."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            return bytes(answer["Body"].read())
        except ClientError as error:
            if _code(error) in {"NoSuchKey", "404"}:
                return None
            raise failure(self.url, error) from error
        except BotoCoreError as error:
            raise failure(self.url, error) from error

    def create(self, key: str, content: bytes) -> bool:
        """See `Store.create`."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if _code(error) in _TAKEN:
                # Where an answer got lost, botocore asked again and was refused for what it had written itself.
                retried = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
                return retried and self.read(key) == content
            raise failure(self.url, error) from error
        except BotoCoreError as error:
            raise failure(self.url, error) from error
        return True

    def delete(self, key: str) -> None:
        """See `Store.delete`."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)
        except (ClientError, BotoCoreError) as error:
            raise failure(self.url, error) from error

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        except (ClientError, BotoCoreError) as error:
            raise failure(self.url, error) from error
        return sorted(key.removeprefix(self._prefix) for key in keys)


def failure(url: str, error: Exception) -> StoreAccessError | StoreUnavailableError:
    """Why S3 did not do what was asked: whether it refused, or another try is worth it.

    Parameters
    ----------
    url
        What was asked for, for the message.
    error
        Of boto3 or botocore.

    Returns
    -------
    StoreAccessError or StoreUnavailableError
        To be raised.
    """
    if isinstance(error, ClientError):
        reason = _REFUSALS.get(_code(error))
        if reason:
            return StoreAccessError(f"{url} cannot be used: {reason}", hint="check the bucket and the AWS_* variables")
        return StoreUnavailableError(f"{url} answers {_code(error)}", hint="try again later")
    if isinstance(
        error, NoCredentialsError | PartialCredentialsError | NoRegionError | ParamValidationError | ValueError
    ):
        return StoreAccessError(
            f"{url} cannot be used: {error}",
            hint="set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION; elsewhere AWS_ENDPOINT_URL",
        )
    return StoreUnavailableError(f"{url} does not answer: {type(error).__name__}", hint="try again later")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "an unknown error"))
