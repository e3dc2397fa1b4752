"""Files to canonical tables; code only where joins are needed, a mapping file everywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, MissingTableError, nearest
from training.sources.loaded import Action, Cleaned, Extent, Link, Loaded, TableRead

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from training.configuration import Configuration

MAPPED = ("mall", "profiles", "rees46", "transactions")
SOURCES = ("mall", "olist", "profiles", "rees46", "sample", "transactions")
DEFAULT_SOURCE = "sample"


def load(
    database: Backend,
    source: str,
    data: str | None,
    configuration: Configuration,
    mapping: Path | None = None,
) -> Loaded:
    """Read a source into its canonical table.

    Parameters
    ----------
    database
        Where the tables are made; downloads and copies of files go beside it.
    source
        One of `SOURCES`.
    data
        A file, a folder or a glob, local or s3://; the sample has none.
    configuration
        Cleaning rules, features, and the sample's size and seed.
    mapping
        How the files read, for sources that are not known by name.

    Returns
    -------
    Loaded
        The canonical table, and what happened on the way to it.

    Raises
    ------
    ConfigurationError
        There is no such source, or it does not take what it was given.
    SourceError
        The data cannot be used.
    """
    # Imported when needed: the names of the sources are asked for far more often than their code.
    from training import cleaning
    from training.sources import mapped, olist, sample
    from training.sources import mapping as mappings

    if source not in SOURCES:
        raise ConfigurationError(f"there is no source {source!r}", hint=nearest(source, SOURCES, "there are"))
    if mapping is not None and source not in MAPPED:
        raise ConfigurationError(
            f"the source {source} takes no mapping", hint="--source transactions or profiles reads any table by one"
        )
    if source == "sample":
        if data is not None:
            raise ConfigurationError(
                "the sample is generated and reads no data", hint="leave --data out, or name the source of your data"
            )
        # It is clean; a rule that does not exist is told all the same.
        cleaning.actions("orders", configuration.cleaning)
        return sample.load(database, configuration.sample.customers, configuration.sample.seed)
    if data is None:
        raise MissingTableError(
            f"the source {source} needs --data", hint="give the folder or file that holds its tables"
        )
    scratch = scratch_of(database)
    if source == "olist":
        return olist.load(database, data, scratch, chosen=configuration.cleaning)
    return mapped.load(
        database,
        source,
        data,
        mappings.load(source, mapping),
        scratch,
        chosen=configuration.cleaning,
        asked=configuration.features,
    )


def local(data: str | None, loaded: Loaded) -> tuple[Path, ...]:
    """The files of this machine that were read.

    Parameters
    ----------
    data
        A file, a folder or a glob, local or s3://.
    loaded
        What was read of it.

    Returns
    -------
    tuple of Path
        None of S3, nor of what is generated.
    """
    if data is None or data.startswith("s3://"):
        return ()
    folder = Path(data) if Path(data).is_dir() else Path(data).parent
    return (Path(data), *(folder / table.file for table in loaded.read))


def scratch_of(database: Backend) -> Path:
    """The folder beside a work database: what is put there goes with it.

    Parameters
    ----------
    database
        From `open_database`.

    Returns
    -------
    Path
        An existing folder.
    """
    file = database.con.sql("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchall()[0][0]
    folder = Path(file).parent / "files"
    folder.mkdir(exist_ok=True)
    return folder


__all__ = ["DEFAULT_SOURCE", "MAPPED", "SOURCES", "Action", "Cleaned", "Extent", "Link", "Loaded", "TableRead", "load"]
