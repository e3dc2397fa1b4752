"""The files of a replay: `maintenance.json`, its page, and each picture beside it."""

from pathlib import Path

import msgspec

from segmentation.whole import write_all
from training.maintenance.page import page
from training.maintenance.results import Simulation
from training.report import render

RESULTS, PAGE = "maintenance.json", "maintenance.html"


def write(made: Simulation, out: Path) -> None:
    """Write everything, each file whole; files of the same names are replaced.

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
    files = {f"{picture.name}.png": picture.png for section in content.sections for picture in section.pictures}
    files[PAGE] = render(content).encode()
    files[RESULTS] = msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"
    write_all(out, files)
