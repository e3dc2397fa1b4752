"""`python -m training COMMAND`: parse, call, print. Exit codes are those of the error tree."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from segmentation.errors import GateRefusedError
from segmentation.failures import KNOWN, failure
from segmentation.opening import open_signed, proved
from segmentation.registry import require_alias
from segmentation.settings import load as load_settings
from segmentation.stopping import INTERRUPTED, at_sigterm, status_of
from training.compare_cli import compare
from training.maintenance_cli import maintenance
from training.models_cli import models
from training.options import ERR, OUT, Example, a_path, alias_option, as_of_option, registry_option, source_options
from training.pushing import current, reported
from training.sources import DEFAULT_SOURCE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Train, publish and look after customer segmentation models.

    Exit codes: 0 done, 1 defect, or a model that must not be used (damaged, or signed by no trusted key), 2 bad input
    or usage, 3 refused by the gate (published, not live), 4 lost a race to another publisher, 5 store unavailable
    (worth retrying).
    """


@cli.command(cls=Example, epilog="python -m training run --source olist --data data/olist --registry models")
@source_options
@registry_option
@alias_option
@as_of_option
@click.option("--anew", is_flag=True, help="Begin new ids: no segment will be one of the live model's.")
@click.option("--if-needed", is_flag=True, help="Only where age, drift or configuration ask for a new model.")
@reported("run")
def run(
    source: str | None,
    data: str | None,
    mapping: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    url: str,
    alias: str,
    as_of: datetime | None,
    anew: bool,
    if_needed: bool,
) -> None:
    """Read a source, train a model, publish it, and make it live if the gate lets it pass.

    With --if-needed, the live model stays where nothing asks for another: exit code 0 as well.
    """
    from segmentation import clock
    from training import configuration, heritage

    if anew and if_needed:
        raise click.UsageError("--anew leaves the live model in any case: --if-needed cannot go with it")

    # All that can be refused is looked at before the libraries of training are loaded.
    settings, created = load_settings(), clock.now()
    registry = open_signed(url, settings, writing=True)
    require_alias(alias)
    # Asked first: a wrong bucket or alias should not cost a training.
    source = source or heritage.default_source(registry, alias)
    chosen = configuration.load(source, config, assignments)
    handed = heritage.inherit(registry, alias, anew=anew)
    with ERR.status("loading libraries"):
        from training import job, progress, summary
    with progress.shown(ERR):
        if if_needed:
            from training.drift import needed
            from training.drift.summary import print_need

            need, made = needed.make_if_needed(
                source, data, chosen, settings, created=created, mapping=mapping, as_of=as_of, handed=handed,
                decided=current().tell_need,
            )  # fmt: skip
            print_need(OUT, need)
            if made is None:
                current().outcome = "not-needed"
                return
            OUT.print()
            result = made
        else:
            result = job.make(
                source, data, chosen, settings, created=created, mapping=mapping, as_of=as_of, handed=handed
            )
        current().tell_card(result.made.card)
        try:
            move = job.release(result, registry, alias, handed)
        except GateRefusedError:
            summary.print_card(OUT, result.made.card)
            raise
    summary.print_card(OUT, result.made.card)
    OUT.print(f"\npublished to {registry.url} and live as {move.alias} (move {move.sequence})")


@cli.command(cls=Example, epilog="python -m training check --source olist --data data/olist")
@source_options
@as_of_option
def check(
    source: str | None,
    data: str | None,
    mapping: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    as_of: datetime | None,
) -> None:
    """Say what is understood of the data: tables, rows, dates, customers, features; nothing is trained."""
    from training import configuration

    settings, source = load_settings(), source or DEFAULT_SOURCE
    chosen = configuration.load(source, config, assignments)
    from training import job, progress, sources, summary
    from training.database import open_database

    with progress.shown(ERR), open_database(settings) as database:
        loaded = sources.load(database, source, data, chosen, mapping)
        summary.print_read(OUT, loaded)
        snapshot = job.look(database, loaded, chosen, as_of)
    summary.print_snapshot(OUT, loaded, snapshot)


@cli.command(
    "assign",
    cls=Example,
    epilog="python -m training assign --source olist --data data/olist --registry models --out segments.parquet",
)
@source_options
@registry_option
@alias_option
@click.option("--version", help="A published version; without one, the live one.")
@click.option("--out", required=True, callback=a_path, metavar="FILE", help="A .parquet or .csv file.")
@click.option("--with-features", is_flag=True, help="Write the features beside the segment.")
@click.option("--pseudonyms", is_flag=True, help="Write keyed hashes instead of ids; see docs/privacy.md.")
@as_of_option
@reported("assign")
def assign_segments(
    source: str | None,
    data: str | None,
    mapping: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    url: str,
    alias: str,
    version: str | None,
    out: Path,
    with_features: bool,
    pseudonyms: bool,
    as_of: datetime | None,
) -> None:
    """Write every customer's segment, by the live model, to a file."""
    from training import configuration, heritage

    settings = load_settings()
    registry = open_signed(url, settings)
    source = source or heritage.default_source(registry, alias)
    chosen = configuration.load(source, config, assignments)
    from segmentation import pseudonyms as keyed

    hidden = keyed.load(settings.customer_key_file) if pseudonyms else None
    model = proved(registry, version or registry.live(alias).version)
    from segmentation.whole import refuse_input
    from training import progress, sources, summary
    from training.assign import assign
    from training.database import open_database

    with progress.shown(ERR), open_database(settings) as database:
        loaded = sources.load(database, source, data, chosen, mapping)
        refuse_input(out, sources.local(data, loaded))
        with progress.step("assigning", database.con):
            assigned = assign(database, loaded, model, out, as_of=as_of, with_features=with_features, pseudonyms=hidden)
    summary.print_assigned(OUT, model.card, assigned)
    current().tell("customers", "customers that were given a segment", sum(assigned.customers.values()))
    OUT.print(f"\nwritten to {out}")


@cli.command(cls=Example, epilog="python -m training explore --source olist --data data/olist --out explore")
@source_options
@click.option("--out", required=True, callback=a_path, metavar="DIR", help="The folder for explore.html and pictures.")
@as_of_option
def explore(
    source: str | None,
    data: str | None,
    mapping: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    out: Path,
    as_of: datetime | None,
) -> None:
    """Describe the data as one HTML page with pictures; nothing is trained."""
    from training import configuration

    settings, source = load_settings(), source or DEFAULT_SOURCE
    chosen = configuration.load(source, config, assignments)
    with ERR.status("loading libraries"):
        from training import explore as exploring
        from training import job, progress, sources
        from training.database import open_database
    with progress.shown(ERR), open_database(settings) as database:
        loaded = sources.load(database, source, data, chosen, mapping)
        snapshot = job.look(database, loaded, chosen, as_of)
        with progress.step("drawing", database.con):
            page = exploring.explore(database, loaded, snapshot, out, preprocessing=chosen.preprocessing)
    OUT.print(f"written to {page}")


cli.add_command(compare)
cli.add_command(maintenance)
cli.add_command(models)


def main() -> None:
    """Run the command line; every expected failure is two lines and an exit code, never a traceback."""
    _show_any_sign()
    stopped = at_sigterm(_complain)
    try:
        cli.main(standalone_mode=False)
        print(end="", flush=True)  # noqa: T201 - what is still buffered may fail too
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except RuntimeError as error:
        sys.exit(status_of(error, stopped))
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        _give_up_stdout()
    except KNOWN as error:
        told = failure(error)
        _complain(told.message, told.hint)
        if isinstance(error, OSError):
            _give_up_stdout()
        sys.exit(told.exit_status)


def _show_any_sign() -> None:
    """A terminal that lacks a sign shows another; it must not stop a training."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _give_up_stdout() -> None:
    """What is still buffered goes nowhere; Python would complain once more when it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, hint: str) -> None:
    ERR.print(f"error: {message}", style="bold")
    if hint:
        ERR.print(f"  {hint}")
