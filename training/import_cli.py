"""`python -m training models import FILE.pkl`: a Pipeline fitted elsewhere becomes a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segmentation.errors import GateRefusedError
from segmentation.opening import open_signed
from segmentation.registry import require_alias
from segmentation.settings import load as load_settings
from training.options import ERR, OUT, Example, a_path, alias_option, as_of_option, registry_option, source_options

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


def some_names(_context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Names between commas."""
    names = tuple(name.strip() for name in (text or "").split(","))
    if text is not None and not all(names):
        raise click.BadParameter("write names between commas: recency_days,frequency,monetary", param=parameter)
    return names if text is not None else ()


def renamings(_context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """THEIRS=OURS; theirs may hold the sign itself."""
    renamed: dict[str, str] = {}
    for each in given:
        theirs, sign, ours = each.rpartition("=")
        if not sign or not theirs or not ours.strip() or theirs in renamed:
            raise click.BadParameter(f"{each!r}: write THEIRS=OURS, each once", param=parameter)
        renamed[theirs] = ours.strip()
    return renamed


@click.command(
    "import",
    cls=Example,
    epilog="python -m training models import pipeline.pkl --trust 3f786850e387550fdab836ed7e6dc881de23001b… "
    "\\\n    --source olist --data data/olist --config olist-rfm --registry models",
)
@click.argument("file", callback=a_path, metavar="FILE.pkl")
@click.option("--trust", metavar="SHA256", help="SHA-256 of the file that you mean; without it, it is not opened.")
@click.option(
    "--features",
    callback=some_names,
    metavar="A,B,C",
    help="The features, in the order of its columns. Needed where it was fitted on an array.",
)
@click.option(
    "--rename",
    multiple=True,
    callback=renamings,
    metavar="THEIRS=OURS",
    help="A column that it calls otherwise than the data do.",
)
@source_options
@registry_option
@alias_option
@as_of_option
@click.option("--anew", is_flag=True, help="Begin new ids: no segment will be one of the live model's.")
@click.option("--no-promote", is_flag=True, help="Publish only; it does not become live.")
def import_pipeline(
    file: Path,
    trust: str | None,
    features: tuple[str, ...],
    rename: dict[str, str],
    source: str | None,
    data: str | None,
    mapping: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    url: str,
    alias: str,
    as_of: datetime | None,
    anew: bool,
    no_promote: bool,
) -> None:
    """Bring in a scikit-learn Pipeline ending in KMeans that was fitted elsewhere, by pickle or joblib.

    It takes the place of the fit in `run`. The data say what its segments are, how good they are, and whether the
    gate lets it pass: give those that it was fitted on, or newer ones like them.

    A pickle is a program. This one is opened in a process of its own, by an unpickler that builds nothing but what a
    Pipeline consists of, and only if you say by its SHA-256 that you mean it. See docs/security.md.
    """
    from segmentation import clock
    from training import configuration, heritage

    settings, created = load_settings(), clock.now()
    registry = open_signed(url, settings, writing=True)
    require_alias(alias)
    source = source or heritage.default_source(registry, alias)
    chosen = configuration.load(source, config, assignments)
    handed = heritage.inherit(registry, alias, anew=anew)
    with ERR.status("loading libraries"):
        from training import job, progress, publish, summary
        from training.importing.adoption import foreign
        from training.importing.columns import configured, extremes
    with progress.shown(ERR), foreign(file, trust, features, rename) as guest:
        described = guest.guest.described
        if described.made_by != described.here:
            ERR.print(
                f"note: fitted by scikit-learn {described.made_by}, opened by {described.here}: it is taken in only if "
                "its own predict and its numbers say the same of every customer"
            )
        if extremes(described):
            ERR.print(
                "note: MinMaxScaler and MaxAbsScaler know the smallest and largest value of each feature, which are "
                "single customers': they will be in the registry"
            )
        chosen = configured(chosen, guest.columns, described)
        result = job.make(
            source, data, chosen, settings, created=created, mapping=mapping, as_of=as_of, handed=handed, foreign=guest
        )
    card = result.made.card
    if no_promote:
        publish.store(registry, result.made)
        summary.print_card(OUT, card)
        OUT.print(f"\npublished to {registry.url}, and not live: models promote {card.version} makes it so")
        return
    try:
        move = job.release(result, registry, alias, handed)
    except GateRefusedError:
        summary.print_card(OUT, card)
        raise
    summary.print_card(OUT, card)
    OUT.print(f"\npublished to {registry.url} and live as {move.alias} (move {move.sequence})")
