"""Files that appear whole or not at all: written beside their place under another name, then renamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from segmentation.errors import ConfigurationError


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A file that takes the place of `out` when the block ends, and is gone if anything fails.

    Parameters
    ----------
    out
        The file's place; what was there is replaced.

    Yields
    ------
    Path
        An empty file in the same folder, with the same ending, to write to.

    Raises
    ------
    ConfigurationError
        It cannot be written.
    """
    unfinished: Path | None = None
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=".writing-", suffix=out.suffix, delete=False) as file:
            unfinished = Path(file.name)
        yield unfinished
        unfinished.chmod(0o644)
        unfinished.replace(out)
    except OSError as error:
        raise ConfigurationError(
            f"{out} cannot be written: {error.strerror or error}", hint="give a place in a folder with room"
        ) from error
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


def refuse_input(out: Path, inputs: Iterable[Path]) -> None:
    """Refuse to put a file in the place of one that is read.

    Parameters
    ----------
    out
        The file's place.
    inputs
        What is read; files that are not there do not count.

    Raises
    ------
    ConfigurationError
        They are the same file, by whatever name.
    """
    if out.exists() and any(each.exists() and out.samefile(each) for each in inputs):
        raise ConfigurationError(f"{out} is read: it would be written over", hint="give another file to write to")


def write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder; each appears whole, and none before all are on the disk.

    Parameters
    ----------
    folder
        It is made if need be.
    files
        Content by name, which may have folders before it; files of the same names are replaced, in this order.

    Raises
    ------
    ConfigurationError
        The folder cannot be written to.
    """
    require_folder(folder)
    written: dict[str, Path] = {}
    try:
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            with NamedTemporaryFile(dir=folder, prefix=".writing-", delete=False) as file:
                written[name] = Path(file.name)
                file.write(content)
        for name, unfinished in written.items():
            unfinished.chmod(0o644)
            unfinished.replace(folder / name)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        for unfinished in written.values():
            unfinished.unlink(missing_ok=True)


def require_folder(folder: Path) -> None:
    """Make a folder, and see that files can be made in it: a wrong one should not cost a long run.

    Parameters
    ----------
    folder
        It is made if need be.

    Raises
    ------
    ConfigurationError
        It cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        NamedTemporaryFile(dir=folder).close()
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{folder} cannot be written to: {error.strerror or error}", hint="give a folder with room"
    )
