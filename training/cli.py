"""`python -m training COMMAND`: parse, call, print. Exit codes are those of the error tree."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import duckdb
from rich.console import Console

from segmentation.errors import ConfigurationError, InputError, ModelError, SegmentationError, UnknownAliasError
from segmentation.registry import open_registry
from segmentation.settings import load as load_settings
from segmentation.tables import EARLIEST, LATEST
from training.sources import DEFAULT_SOURCE, SOURCES

if TYPE_CHECKING:
    from segmentation.card import Card
    from segmentation.model import Model
    from segmentation.registry import Registry

# Into a file or a log, lines are as long as they need to be, within reason.
WIDTH = None if sys.stdout is not None and sys.stdout.isatty() else 120
OUT = Console(highlight=False, markup=False, width=WIDTH)
ERR = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)

ROOM = "raise SEGMENTATION_MEMORY_LIMIT, or set SEGMENTATION_SPILL_DIR to a folder with more room"


def a_path(_context: click.Context, parameter: click.Parameter, text: str | None) -> Path | None:
    """A path; an empty one is a variable that was not set, not the present folder."""
    if text == "":
        raise click.BadParameter("it is empty", param=parameter)
    return None if text is None else Path(text)


registry_option = click.option(
    "--registry",
    "url",
    required=True,
    envvar="SEGMENTATION_REGISTRY",
    help="A directory, or s3://bucket/prefix. Default: SEGMENTATION_REGISTRY.",
)
alias_option = click.option("--alias", default="production", show_default=True, help="The alias to read or move.")


def source_options(command: Any) -> Any:
    """The options that say what data to read and how."""
    for option in reversed(
        (
            click.option("--source", type=click.Choice(SOURCES), help="Default: sample, a generated shop."),
            click.option("--data", callback=a_path, metavar="PATH", help="The folder with the source's tables."),
            click.option("--config", callback=a_path, metavar="FILE", help="YAML; see docs/configuration.md."),
            click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set one key of it."),
        )
    ):
        command = option(command)
    return command


class Example(click.Command):
    """A command whose help ends with an example."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example as it is typed, not wrapped."""
        with formatter.section("Example"):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"  {line}\n")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Train, publish and look after customer segmentation models.

    Exit codes: 0 done, 1 defect, 2 bad input or usage, 4 lost a race to another publisher, 5 store unavailable (worth
    retrying).
    """


@cli.command(cls=Example, epilog="python -m training run --source olist --data data/olist --registry models")
@source_options
@registry_option
@alias_option
@click.option("--as-of", metavar="DATE", help="Look at customers from this UTC moment. Default: the newest order.")
def run(
    source: str | None,
    data: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    url: str,
    alias: str,
    as_of: str | None,
) -> None:
    """Read a source, train a model, publish it and make it live."""
    from training import clock, configuration

    # All that can be refused is looked at before the libraries of training are loaded.
    settings, registry, created, moment = load_settings(), open_registry(url), clock.now(), _moment(as_of)
    # Asked first: a wrong bucket or alias should not cost a training.
    source = source or _default_source(registry, alias)
    chosen = configuration.load(source, config, assignments)
    with ERR.status("training"):
        from training import job, summary

        result = job.make(source, data, chosen, settings, created=created, as_of=moment)
        move = job.release(result, registry, alias)
    summary.print_card(OUT, result.made.card)
    OUT.print(f"\npublished to {registry.url} and live as {move.alias} (move {move.sequence})")


@cli.command(cls=Example, epilog="python -m training check --source olist --data data/olist")
@source_options
@click.option("--as-of", metavar="DATE", help="Look at customers from this UTC moment. Default: the newest order.")
def check(
    source: str | None, data: Path | None, config: Path | None, assignments: tuple[str, ...], as_of: str | None
) -> None:
    """Say what is understood of the data: tables, rows, dates, customers, features; nothing is trained."""
    from training import configuration

    settings, moment, source = load_settings(), _moment(as_of), source or DEFAULT_SOURCE
    chosen = configuration.load(source, config, assignments)
    from segmentation.features import select
    from training import sources, summary
    from training.database import open_database
    from training.snapshot import take

    with open_database(settings) as database:
        orders = sources.load(database, source, data, chosen)
        snapshot = take(database, orders, select(chosen.features), moment)
    summary.print_understood(OUT, orders, snapshot)


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
@click.option("--as-of", metavar="DATE", help="Look at customers from this UTC moment. Default: the newest order.")
def assign_segments(
    source: str | None,
    data: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    url: str,
    alias: str,
    version: str | None,
    out: Path,
    with_features: bool,
    as_of: str | None,
) -> None:
    """Write every customer's segment, by the live model, to a file."""
    from training import configuration

    settings, registry, moment = load_settings(), open_registry(url), _moment(as_of)
    source = source or DEFAULT_SOURCE
    chosen = configuration.load(source, config, assignments)
    model = _proved(registry, version or registry.live(alias).version)
    from training import sources, summary
    from training.assign import assign
    from training.database import open_database

    with ERR.status("assigning"), open_database(settings) as database:
        orders = sources.load(database, source, data, chosen)
        assigned = assign(database, orders, model, out, as_of=moment, with_features=with_features)
    summary.print_assigned(OUT, model.card, assigned)
    OUT.print(f"\nwritten to {out}")


@cli.group()
def models() -> None:
    """The registry's state and moves."""


@models.command("list", cls=Example, epilog="python -m training models list --registry models")
@registry_option
@alias_option
def list_models(url: str, alias: str) -> None:
    """List the versions, which is live, and the alias's history."""
    from training import summary

    registry = open_registry(url)
    moves = registry.moves(alias)
    cards = {version: _readable(registry, version) for version in registry.versions()}
    if not cards:
        OUT.print(f"no model is published at {registry.url}")
        return
    summary.print_versions(OUT, cards, {alias: moves[-1].version} if moves else {})
    OUT.print()
    if moves:
        summary.print_moves(OUT, moves)
    else:
        OUT.print(f"{alias} has never been moved to any of them")


@models.command(cls=Example, epilog="python -m training models show --registry models")
@registry_option
@alias_option
@click.argument("version", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the model card.")
def show(url: str, alias: str, version: str | None, as_json: bool) -> None:
    """Show a version; without one, the live one."""
    from training import summary

    registry = open_registry(url)
    chosen = version or registry.live(alias).version
    if as_json:
        click.echo(registry.read_card(chosen).decode(), nl=False)
    else:
        summary.print_card(OUT, registry.card(chosen))


@models.command(
    cls=Example,
    epilog="python -m training models promote --registry models 20261122T033000Z-0a1b2c3d --why 'campaign starts'",
)
@registry_option
@alias_option
@click.argument("version")
@click.option("--why", default="promoted by hand", show_default=True, help="For the history.")
def promote(url: str, alias: str, version: str, why: str) -> None:
    """Make a published version live, once it has proved itself."""
    _promote(url, alias, version, why)


@models.command(cls=Example, epilog="python -m training models rollback --registry models --why 'wrong data'")
@registry_option
@alias_option
@click.option("--why", default="rolled back by hand", show_default=True, help="For the history.")
def rollback(url: str, alias: str, why: str) -> None:
    """Make the version live that was live before the present one; again, and it goes back one further."""
    registry = open_registry(url)
    present, earlier = registry.live(alias).version, registry.previous(alias)
    if earlier is None:
        raise UnknownAliasError(
            f"{alias!r} has no earlier version to go back to", hint="promote a version: `models list` shows them"
        )
    _promote(url, alias, earlier, why)
    OUT.print(f"instead of {present}")


def main() -> None:
    """Run the command line; every expected failure is two lines and an exit code, never a traceback."""
    _show_any_sign()
    try:
        cli.main(standalone_mode=False)
        print(end="", flush=True)  # noqa: T201 - what is still buffered may fail too
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except SegmentationError as error:
        _complain(error.message, error.hint)
        sys.exit(error.exit_status)
    except duckdb.OutOfMemoryException:
        _complain("DuckDB ran out of memory", ROOM)
        sys.exit(InputError.exit_status)
    except (duckdb.IOException, duckdb.TransactionException) as error:
        _complain(f"the work database fails: {str(error).splitlines()[0]}", ROOM)
        sys.exit(InputError.exit_status)
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        _give_up_stdout()
    except OSError as error:
        _give_up_stdout()
        _complain(f"input or output fails: {error.strerror or error}", "check the disk and where output goes to")
        sys.exit(InputError.exit_status)


def _show_any_sign() -> None:
    """A terminal that lacks a sign shows another; it must not stop a training."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _give_up_stdout() -> None:
    """What is still buffered goes nowhere; Python would complain once more when it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _promote(url: str, alias: str, version: str, why: str) -> None:
    from training import publish

    registry = open_registry(url)
    _proved(registry, version)
    moves = registry.moves(alias)
    if moves and moves[-1].version == version:
        OUT.print(f"{version} is live as {alias} already (move {moves[-1].sequence})")
        return
    move = publish.promote(registry, alias, version, why)
    OUT.print(f"{move.version} is live as {move.alias} (move {move.sequence})")


def _readable(registry: Registry, version: str) -> Card | None:
    """The card, or None where this release cannot read it: one bad version must not hide the others."""
    try:
        return registry.card(version)
    except ModelError:
        return None


def _default_source(registry: Registry, alias: str) -> str:
    """The generated shop, unless that would put it in the place of a model of real data."""
    moves = registry.moves(alias)
    live = registry.card(moves[-1].version).source if moves else DEFAULT_SOURCE
    if live != DEFAULT_SOURCE:
        raise ConfigurationError(
            f"{alias!r} serves a model of {live}, and no --source was given",
            hint=f"give --source {live}, or --source {DEFAULT_SOURCE} if the generated shop is meant",
        )
    return DEFAULT_SOURCE


def _proved(registry: Registry, version: str) -> Model:
    """A published model, verified, that reproduced its golden rows and histories."""
    from segmentation.model import NEEDED_TO_SERVE, assemble

    card = registry.read_card(version)
    return assemble(card, {name: registry.read_file(version, name) for name in NEEDED_TO_SERVE})


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        inside = EARLIEST <= moment <= LATEST
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no date; write 2018-09-01 or 2018-09-01T12:00:00", param_hint="--as-of"
        ) from error
    if not inside:
        raise click.BadParameter(f"{text} is not between {EARLIEST:%Y} and {LATEST:%Y}", param_hint="--as-of")
    return moment.astimezone(UTC)


def _complain(message: str, hint: str) -> None:
    ERR.print(f"error: {message}", style="bold")
    if hint:
        ERR.print(f"  {hint}")
