"""What --to says: a PostgreSQL database, a Redshift warehouse, or a folder of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from campaigns.export.files import Format
    from campaigns.export.outcome import Warehouse
    from segmentation.settings import Settings

DEFAULT_SCHEMA = "segmentation"
_SCHEMES = ("postgresql", "postgres", "redshift", "redshift-serverless")


def warehouse(
    address: str, schema: str | None, kind: Format | None, wait_seconds: float, settings: Settings
) -> Warehouse:
    """The warehouse at an address.

    Parameters
    ----------
    address
        postgresql://…, redshift://…, redshift-serverless://…, or a folder.
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
    if separator and scheme not in _SCHEMES:
        raise ConfigurationError(
            f"{scheme}:// is no warehouse that can be exported to", hint=nearest(scheme, _SCHEMES, "there are")
        )
    if separator and kind is not None:
        raise ConfigurationError(f"--format is for files, not for {scheme}", hint="leave it out")
    if not separator and schema is not None:
        raise ConfigurationError("--schema is for databases, not for files", hint="leave it out")
    if scheme.startswith("postgres") and separator:
        from campaigns.export.postgres import PostgreSQL

        return PostgreSQL(address, schema or DEFAULT_SCHEMA, wait_seconds)
    if separator:
        from campaigns.export.redshift import Redshift

        return Redshift(address, schema or DEFAULT_SCHEMA)
    from campaigns.export.files import Files, kind_of

    folder = Path(address)
    return Files(folder, kind or kind_of(folder) or "parquet", wait_seconds, settings)
