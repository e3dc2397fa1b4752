"""A place in S3-compatible storage. Endpoint, region, keys and retries come from botocore's settings."""

from pathlib import Path
from typing import Any

import boto3
from boto3.exceptions import Boto3Error, S3UploadFailedError
from boto3.s3.transfer import TransferConfig
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
_ABSENT = {"NoSuchKey", "404"}
_ABORTED = {"NoSuchUpload", "404"}

_TRANSFER = TransferConfig(max_concurrency=4)
"""Parts of 8 MB at once: more take memory, and are no faster than what two processors write."""


class S3Store:
    """Keys are objects below a prefix of a bucket; conditional writes decide who was first.

    Parameters
    ----------
    bucket, prefix
        Where the keys are; the prefix may be empty.
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
        found = self.read_tagged(key)
        return None if found is None else found[0]

    def read_tagged(self, key: str) -> tuple[bytes, str] | None:
        """The content and its tag, which `replace` takes, or None where there is no such key.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            # Ceph compares tags without their quotes; AWS takes them either way.
            return bytes(answer["Body"].read()), str(answer["ETag"]).strip('"')
        except ClientError as error:
            if _code(error) in _ABSENT:
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

    def replace(self, key: str, content: bytes, tag: str) -> bool:
        """Write the key if it is still as `read_tagged` found it; false where somebody else was first.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content, IfMatch=tag)
        except (ClientError, BotoCoreError) as error:
            told = failure(self.url, error)
            lost = isinstance(error, ClientError) and _code(error) in _TAKEN | _ABSENT
            if not lost and isinstance(told, StoreAccessError):
                raise told from error
            # A write whose answer got lost was done or not, and its second try is refused for the first one.
            now = self.read_tagged(key)
            if now is None or now[1] != tag:
                return now is not None and now[0] == content
            if lost:
                raise StoreAccessError(
                    f"{self.url} refuses to replace what nobody changed",
                    hint="the server must honour If-Match on PutObject, see docs/warehouse.md",
                ) from error
            raise told from error
        return True

    def upload(self, key: str, file: Path) -> bool:
        """Write a file of any size to the key, in parts; it appears whole or not at all: false where `abort` hit it.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """
        try:
            self._client.upload_file(str(file), self._bucket, self._prefix + key, Config=_TRANSFER)
        except (ClientError, BotoCoreError, Boto3Error) as error:
            # boto3 wraps what S3 said into an error that says it in words only.
            cause = (error.__cause__ or error.__context__) if isinstance(error, S3UploadFailedError) else error
            if isinstance(cause, ClientError) and _code(cause) in _ABORTED:
                return False
            raise failure(self.url, cause if isinstance(cause, Exception) else error) from error
        return True

    def download(self, key: str, file: Path) -> bool:
        """Read the key into a file, in parts; false where there is no such key.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """
        try:
            self._client.download_file(self._bucket, self._prefix + key, str(file), Config=_TRANSFER)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return False
            raise failure(self.url, error) from error
        except (BotoCoreError, Boto3Error) as error:
            raise failure(self.url, error) from error
        return True

    def unfinished(self, prefix: str) -> list[tuple[str, str]]:
        """Uploads in parts below the prefix that are under way, or were broken off: key, and what `abort` takes.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """
        try:
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            found = [(item["Key"], item["UploadId"]) for page in pages for item in page.get("Uploads", ())]
        except (ClientError, BotoCoreError) as error:
            raise failure(self.url, error) from error
        return sorted((key.removeprefix(self._prefix), upload) for key, upload in found)

    def abort(self, key: str, upload: str) -> None:
        """Break off an upload, and delete its parts; where there is none, nothing happens.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._prefix + key, UploadId=upload)
        except ClientError as error:
            if _code(error) not in _ABORTED:
                raise failure(self.url, error) from error
        except BotoCoreError as error:
            raise failure(self.url, error) from error

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
