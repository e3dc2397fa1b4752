"""`python -m training maintenance`: how often to retrain."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import click

from segmentation.errors import ConfigurationError
from segmentation.settings import load as load_settings
from segmentation.whole import require_folder
from training.options import ERR, OUT, Example, a_moment, a_path, as_of_option, source_options
from training.pushing import reported
from training.sources import DEFAULT_SOURCE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

EXAMPLE = """python -m training maintenance --source olist --data data/olist --out maintenance
python -m training maintenance --source olist --data data/olist --config j28u --origin 2017-09-01 --out maintenance"""


def some_moments(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[datetime | None, ...]:
    """Moments in UTC; see `training.options.a_moment`."""
    return tuple(a_moment(context, parameter, text) for text in texts)


@click.command(cls=Example, epilog=EXAMPLE)
@source_options
@click.option("--out", required=True, callback=a_path, metavar="DIR", help="The folder for maintenance.json and page.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    callback=some_moments,
    metavar="DATE",
    help="Age a model of this UTC moment; several times for several. Default: five between the middle of the history "
    "and three quarters of it.",
)
@click.option("--every", default="7d", show_default=True, metavar="STEP", help="From one look to the next: 7d, 2w.")
@click.option("--threshold", type=float, default=0.8, show_default=True, help="ARI under which a model is too old.")
@as_of_option
@reported("maintenance")
def maintenance(
    source: str | None,
    data: str | None,
    mapping: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    out: Path,
    origins: tuple[datetime, ...],
    every: str,
    threshold: float,
    as_of: datetime | None,
) -> None:
    """Replay history: how fast a model ages, how often to retrain, and what that costs; nothing is published.

    --as-of is the end of the history that is replayed.
    """
    from training import configuration

    settings, source = load_settings(), source or DEFAULT_SOURCE
    chosen = configuration.load(source, config, assignments)
    if not (isfinite(threshold) and 0 < threshold <= 1):
        raise ConfigurationError(
            f"--threshold {threshold:g} is no adjusted Rand index to ask for", hint="above 0, up to 1"
        )
    with ERR.status("loading libraries"):
        from training import progress, sources
        from training.database import open_database
        from training.maintenance import dates, written
        from training.maintenance.simulation import simulate
        from training.maintenance.summary import print_simulation
    step = dates.step_length(every)
    # A wrong folder should not cost a replay.
    require_folder(out)
    with progress.shown(ERR), open_database(settings) as database:
        loaded = sources.load(database, source, data, chosen, mapping)
        made = simulate(
            database, loaded, chosen, origins=origins, every=step, threshold=threshold, until=as_of,
        )  # fmt: skip
        with progress.step("drawing"):
            written.write(made, out)
    print_simulation(OUT, made)
    OUT.print(f"\nwritten to {out / written.PAGE} and {out / written.RESULTS}")
