"""The files of a replay: `maintenance.json`, its page, and each picture beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from segmentation.errors import ConfigurationError
from training.maintenance.page import page
from training.maintenance.results import Simulation
from training.report import render

RESULTS, PAGE = "maintenance.json", "maintenance.html"


def refuse_unwritable(out: Path) -> None:
    """Make the folder, and see that files can be made in it: a wrong one should not cost a replay.

    Parameters
    ----------
    out
        A directory; it is made if need be.

    Raises
    ------
    ConfigurationError
        It cannot be written to.
    """
    with _told(out):
        out.mkdir(parents=True, exist_ok=True)
        NamedTemporaryFile(dir=out).close()


def write(made: Simulation, out: Path) -> None:
    """Write everything; files of the same names are replaced.

    Parameters
    ----------
    made
        The replay. The same one gives the same bytes.
    out
        The folder.

    Raises
    ------
    ConfigurationError
        It cannot be written to.
    """
    content = page(made)
    with _told(out):
        for section in content.sections:
            for picture in section.pictures:
                (out / f"{picture.name}.png").write_bytes(picture.png)
        (out / PAGE).write_text(render(content), encoding="utf-8")
        (out / RESULTS).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")


@contextmanager
def _told(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{out} cannot be written to: {error.strerror or error}", hint="give a folder with room"
        ) from error
