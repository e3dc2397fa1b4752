"""Versions and alias moves in a directory or in S3."""

from segmentation.registry.registry import Move, Registry, require_alias
from segmentation.registry.store import Store, open_store


def open_registry(url: str) -> Registry:
    """The registry at a URL, not yet contacted.

    Parameters
    ----------
    url
        A directory, or `s3://bucket/prefix`.

    Returns
    -------
    Registry
        The registry.

    Raises
    ------
    ConfigurationError
        The URL is neither.
    """
    return Registry(open_store(url))


__all__ = ["Move", "Registry", "Store", "open_registry", "open_store", "require_alias"]
