"""Files to canonical tables; code only where joins are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, MissingTableError, nearest
from training.sources.orders import Extent, Orders, TableRead

if TYPE_CHECKING:
    from pathlib import Path

    from ibis.backends.duckdb import Backend

    from training.configuration import Configuration

SOURCES = ("olist", "sample")
DEFAULT_SOURCE = "sample"


def load(database: Backend, source: str, data: Path | None, configuration: Configuration) -> Orders:
    """Read a source into the canonical orders table.

    Parameters
    ----------
    database
        Where the tables are made.
    source
        One of `SOURCES`.
    data
        Where its files are; the sample has none.
    configuration
        Of the sample: size and seed.

    Returns
    -------
    Orders
        The canonical table and what was read.

    Raises
    ------
    ConfigurationError
        There is no such source, or the sample was given data.
    SourceError
        The data cannot be used.
    """
    # Imported when needed: the names of the sources are asked for far more often than their code.
    from training.sources import olist, sample

    if source == "sample":
        if data is not None:
            raise ConfigurationError(
                "the sample is generated and reads no data", hint="leave --data out, or name the source of your data"
            )
        return sample.load(database, configuration.sample.customers, configuration.sample.seed)
    if source != "olist":
        raise ConfigurationError(f"there is no source {source!r}", hint=nearest(source, SOURCES, "there are"))
    if data is None:
        raise MissingTableError(f"the source {source} needs --data", hint="give the folder that holds its tables")
    return olist.load(database, data)


__all__ = ["DEFAULT_SOURCE", "SOURCES", "Extent", "Orders", "TableRead", "load"]
