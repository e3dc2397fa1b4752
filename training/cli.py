"""`python -m training COMMAND`: parse, call, print. Exit codes are those of the error tree."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import duckdb
from rich.console import Console

from segmentation.errors import InputError, SegmentationError, UnknownAliasError
from segmentation.registry import open_registry
from segmentation.settings import load as load_settings
from training.sources import SOURCES

if TYPE_CHECKING:
    from segmentation.model import Model
    from segmentation.registry import Registry

OUT = Console(soft_wrap=True, highlight=False)
ERR = Console(stderr=True, soft_wrap=True, highlight=False)

registry_option = click.option("--registry", "url", required=True, help="A directory, or s3://bucket/prefix.")
alias_option = click.option("--alias", default="production", show_default=True, help="The alias to read or move.")


def source_options(command: Any) -> Any:
    """The options that say what data to read and how."""
    for option in reversed(
        (
            click.option("--source", type=click.Choice(SOURCES), default="sample", show_default=True),
            click.option("--data", type=click.Path(path_type=Path), help="The folder with the source's tables."),
            click.option("--config", type=click.Path(path_type=Path), help="YAML; see docs/configuration.md."),
            click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set one key of it."),
        )
    ):
        command = option(command)
    return command


class Example(click.Command):
    """A command whose help ends with an example."""

    example = ""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example as it is typed, not wrapped."""
        with formatter.section("Example"):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"  {line}\n")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Train, publish and look after customer segmentation models.

    Exit codes: 0 done, 1 defect, 2 bad input or usage, 3 refused by the gate, 4 lost a race to another publisher,
    5 store unavailable (worth retrying).
    """


@cli.command(cls=Example, epilog="python -m training run --source olist --data data/olist --registry models")
@source_options
@registry_option
@alias_option
@click.option("--as-of", metavar="DATE", help="Look at customers from this UTC moment. Default: the newest order.")
def run(
    source: str,
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
    registry.moves(alias)
    chosen = configuration.load(source, config, assignments)
    with ERR.status("training"):
        from training import job, summary

        result = job.make(source, data, chosen, settings, created=created, as_of=moment)
        move = job.release(result, registry, alias)
    summary.print_card(OUT, result.made.card)
    OUT.print(f"\npublished to {registry.url} and live as {move.alias} (move {move.sequence})")


@cli.command(cls=Example, epilog="python -m training check --source olist --data data/olist")
@source_options
def check(source: str, data: Path | None, config: Path | None, assignments: tuple[str, ...]) -> None:
    """Say what is understood of the data: tables, rows, dates, customers, features; nothing is trained."""
    from segmentation.features import available, select
    from training import configuration, sources, summary
    from training.database import open_database
    from training.snapshot import measure

    chosen = configuration.load(source, config, assignments)
    with open_database(load_settings()) as database:
        orders = sources.load(database, source, data, chosen)
        extent = measure(orders.table)
    features = select(chosen.features)
    _, reasons = available(features, orders.columns)
    said = {item.name: reasons.get(item.name, f"available, {item.unit}") for item in features}
    summary.print_understood(OUT, orders, extent, said)


@cli.command(
    "assign",
    cls=Example,
    epilog="python -m training assign --source olist --data data/olist --registry models --out segments.parquet",
)
@source_options
@registry_option
@alias_option
@click.option("--version", help="A published version; without one, the live one.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A .parquet or .csv file.")
@click.option("--with-features", is_flag=True, help="Write the features beside the segment.")
@click.option("--as-of", metavar="DATE", help="Look at customers from this UTC moment. Default: the newest order.")
def assign_segments(
    source: str,
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
    summary.print_versions(OUT, registry.versions(), {alias: moves[-1].version} if moves else {})
    if moves:
        OUT.print()
        summary.print_moves(OUT, moves)


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
    """Make the version live that was live before the present one."""
    moves = open_registry(url).moves(alias)
    present = moves[-1].version if moves else None
    earlier = [move.version for move in moves if move.version != present]
    if not earlier:
        raise UnknownAliasError(
            f"{alias!r} has no earlier version to go back to", hint="promote a version: `models list` shows them"
        )
    _promote(url, alias, earlier[-1], why)


def main() -> None:
    """Run the command line; every expected failure is two lines and an exit code, never a traceback."""
    try:
        cli.main(standalone_mode=False)
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
        _complain(
            "DuckDB ran out of memory", "raise SEGMENTATION_MEMORY_LIMIT, or give SEGMENTATION_SPILL_DIR more room"
        )
        sys.exit(InputError.exit_status)


def _promote(url: str, alias: str, version: str, why: str) -> None:
    from training import publish

    registry = open_registry(url)
    _proved(registry, version)
    move = publish.promote(registry, alias, version, why)
    OUT.print(f"{move.version} is live as {move.alias} (move {move.sequence})")


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
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no date; write 2018-09-01 or 2018-09-01T12:00:00", param_hint="--as-of"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _complain(message: str, hint: str) -> None:
    ERR.print(f"error: {message}", markup=False, style="bold")
    if hint:
        ERR.print(f"  {hint}", markup=False)
