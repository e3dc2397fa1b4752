"""Where a job's DuckDB works: a folder that is gone afterwards, and how much memory it may take before it spills."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from segmentation.errors import ConfigurationError
from segmentation.file_names import refuse_name
from segmentation.settings import Settings

CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container finds its own memory limit."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder of one job.

    Parameters
    ----------
    folder
        Gone when the job ends.
    memory_limit
        As DuckDB takes it.
    """

    folder: Path
    memory_limit: str

    @property
    def file(self) -> Path:
        """The work database."""
        return self.folder / "work.duckdb"

    @property
    def spill(self) -> Path:
        """What no longer fits into memory."""
        return self.folder / "spill"


@contextmanager
def open_workspace(settings: Settings) -> Iterator[Workspace]:
    """Make a folder to work in.

    Parameters
    ----------
    settings
        `memory_limit` and `spill_dir`.

    Yields
    ------
    Workspace
        With a memory limit of half of what there is, unless the settings say another.

    Raises
    ------
    ConfigurationError
        The folder cannot be written to, or the memory limit is none.
    """
    # To DuckDB that is no limit at all.
    if settings.memory_limit.lstrip().startswith("-"):
        raise ConfigurationError(
            f"SEGMENTATION_MEMORY_LIMIT is {settings.memory_limit}", hint="it takes a size such as 2GB"
        )
    try:
        folder = tempfile.TemporaryDirectory(prefix="segmentation-", dir=settings.spill_dir or None)
    except OSError as error:
        raise ConfigurationError(
            f"the spill folder {settings.spill_dir} cannot be used: {error.strerror}",
            hint="set SEGMENTATION_SPILL_DIR to a folder with room",
        ) from error
    with folder as path:
        refuse_name(Path(path))
        yield Workspace(Path(path), settings.memory_limit or f"{memory() // 2 // 2**20}MiB")


def memory() -> int:
    """How much memory there is: the container's limit, or what the machine has where that is less.

    Returns
    -------
    int
        Bytes.

    References
    ----------
    Linux, "Control Group v2", memory.max; "Memory Resource Controller", memory.limit_in_bytes.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in CGROUP:
        # "max" in version 2; in version 1 no limit is a number larger than any memory.
        text = file.read_text(encoding="ascii").strip() if file.is_file() else "max"
        limits += [int(text)] if text.isdigit() else []
    return min(limits)


def unopened(error: Exception) -> ConfigurationError:
    """What is said when DuckDB does not open the work database.

    Parameters
    ----------
    error
        DuckDB's own.

    Returns
    -------
    ConfigurationError
        To raise from it.
    """
    return ConfigurationError(
        f"the work database cannot be opened: {str(error).splitlines()[0]}",
        hint="SEGMENTATION_MEMORY_LIMIT takes a size such as 2GB",
    )
