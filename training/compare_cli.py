"""`python -m training compare`: every algorithm on the same customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segmentation.settings import load as load_settings
from training.options import ERR, OUT, Example, a_path, as_of_option, source_options
from training.sources import DEFAULT_SOURCE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@click.command(cls=Example, epilog="python -m training compare --source olist --data data/olist --out comparison")
@source_options
@click.option("--out", required=True, callback=a_path, metavar="DIR", help="The folder for comparison.json and plots.")
@click.option("--algorithm", "names", multiple=True, metavar="NAME", help="One of docs/algorithms.md. Default: all.")
@click.option("--search", is_flag=True, help="Search parameters over each algorithm's grid.")
@as_of_option
def compare(
    source: str | None,
    data: str | None,
    mapping: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    out: Path,
    names: tuple[str, ...],
    search: bool,
    as_of: datetime | None,
) -> None:
    """Let every algorithm divide the same customers, and say what each division is worth; nothing is published."""
    from training import configuration
    from training.algorithms import ALGORITHMS, find

    settings, source = load_settings(), source or DEFAULT_SOURCE
    chosen = configuration.load(source, config, assignments)
    wanted = {find(name).name for name in names}
    algorithms = tuple(algorithm for algorithm in ALGORITHMS if not wanted or algorithm.name in wanted)
    with ERR.status("loading libraries"):
        from training import compare as comparing
        from training import progress, sources
        from training.comparison.table import print_comparison
        from training.database import open_database
    with progress.shown(ERR), open_database(settings) as database:
        loaded = sources.load(database, source, data, chosen, mapping)
        made = comparing.compare(
            database, loaded, chosen, out, as_of=as_of, algorithms=algorithms,
            sets_by=algorithms if names else (), searching=search,
        )  # fmt: skip
    print_comparison(OUT, made)
    OUT.print(f"\nwritten to {out / comparing.TABLE}")
