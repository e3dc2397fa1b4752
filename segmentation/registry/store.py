"""What a registry needs of the place it lives in: read, list, write once, and delete."""

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from segmentation.errors import ConfigurationError


class Store(Protocol):
    """Bytes by key; keys are relative paths with forward slashes."""

    @property
    def url(self) -> str:
        """Where this is, for people."""

    def read(self, key: str) -> bytes | None:
        """The content, or None where there is no such key.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """

    def create(self, key: str, content: bytes) -> bool:
        """Write the key unless it exists, whole or not at all; false where it exists.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """

    def delete(self, key: str) -> None:
        """Delete the key; where it does not exist, nothing happens.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """

    def list(self, prefix: str) -> list[str]:
        """Keys that begin with the prefix, sorted.

        Raises
        ------
        StoreAccessError, StoreUnavailableError
        """


def open_store(url: str) -> Store:
    """The store behind a URL.

    Parameters
    ----------
    url
        A directory, or `s3://bucket/prefix`.

    Returns
    -------
    Store
        Not yet contacted.

    Raises
    ------
    ConfigurationError
        The URL is neither.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        # boto3 takes 0.3 s and 40 MB: only who uses S3 pays for it.
        from segmentation.registry.s3 import S3Store

        return S3Store(parts.netloc, parts.path.strip("/"))
    if "://" in url or not url:
        raise ConfigurationError(
            f"{url!r} is no registry",
            hint="give a directory or s3://bucket/prefix; for S3 elsewhere set AWS_ENDPOINT_URL",
        )
    from segmentation.registry.directory import DirectoryStore

    return DirectoryStore(Path(url))
