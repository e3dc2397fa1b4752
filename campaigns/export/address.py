"""What --to says: a PostgreSQL database, a Redshift warehouse, or files in a folder or a bucket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, nearest
from segmentation.file_names import refuse_name

if TYPE_CHECKING:
    from campaigns.export.generations import Format, Generations
    from campaigns.export.outcome import Warehouse
    from segmentation.settings import Settings

DEFAULT_SCHEMA = "segmentation"
_SCHEMES = ("postgresql", "postgres", "redshift", "redshift-serverless", "s3")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


def warehouse(
    address: str, schema: str | None, kind: Format | None, wait_seconds: float, settings: Settings
) -> Warehouse:
    """The warehouse at an address.

    Parameters
    ----------
    address
        postgresql://…, redshift://…, redshift-serverless://…, s3://bucket/prefix, or a folder.
    schema
        Of the database; None: `DEFAULT_SCHEMA`.
    kind
        Of files; None: those that are in the folder, or else Parquet.
    wait_seconds
        How long another run is waited for.
    settings
        `memory_limit` and `spill_dir`.

    Returns
    -------
    Warehouse
        Not yet connected to.

    Raises
    ------
    ConfigurationError
        There is no such kind of warehouse, or an option does not go with it.
    """
    scheme, separator, _ = address.partition("://")
    if not address:
        raise ConfigurationError("there is no warehouse", hint="give --to, or set SEGMENTATION_WAREHOUSE")
    if not separator and address.split(":")[0] in _SCHEMES:
        # A folder named "s3:" is not what anybody means.
        raise ConfigurationError("the address lacks a slash", hint=f"write {address.split(':')[0]}://…")
    if separator and scheme not in _SCHEMES:
        raise ConfigurationError(
            f"{scheme}:// is no warehouse that can be exported to", hint=nearest(scheme, _SCHEMES, "there are")
        )
    files = not separator or scheme == "s3"
    if not files and kind is not None:
        raise ConfigurationError(f"--format is for files, not for {scheme}", hint="leave it out")
    if files and schema is not None:
        raise ConfigurationError("--schema is for databases, not for files", hint="leave it out")
    if files:
        from campaigns.export.files import Files

        return Files(_generations(address, wait_seconds), kind, settings)
    if scheme.startswith("postgres"):
        from campaigns.export.postgres import PostgreSQL

        return PostgreSQL(address, schema or DEFAULT_SCHEMA, wait_seconds)
    from campaigns.export.redshift import Redshift

    return Redshift(address, schema or DEFAULT_SCHEMA)


def refuse_registry(address: str, registry: str) -> None:
    """Refuse to write ids of customers among the models, where the service reads and nobody looks for them.

    Parameters
    ----------
    address
        As `warehouse` takes it.
    registry
        Its directory, or s3://bucket/prefix.

    Raises
    ------
    ConfigurationError
        They are one place.
    """
    if "://" in address or "://" in registry:
        same = address.rstrip("/") == registry.rstrip("/")
    else:
        same = bool(address) and Path(address).resolve() == Path(registry).resolve()
    if same:
        raise ConfigurationError(
            f"--to is the registry, {registry}, which holds nothing of a single customer",
            hint="give another folder or prefix",
        )


def _generations(address: str, wait_seconds: float) -> Generations:
    if not address.startswith("s3://"):
        from campaigns.export.folder import Folder

        refuse_name(Path(address))
        return Folder(Path(address), wait_seconds)
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        # It is not said what it is: somebody may have put keys before it.
        raise ConfigurationError(
            "the address names no bucket", hint="write s3://bucket/prefix; keys come from the AWS_* variables"
        )
    from campaigns.export.bucket import Bucket

    return Bucket(bucket, prefix.strip("/"), wait_seconds)
