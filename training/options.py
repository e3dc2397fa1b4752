"""What the commands share: where they print, the options they have in common, how a help text ends."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from segmentation.tables import EARLIEST, LATEST
from training.sources import SOURCES

# Into a file or a log, lines are as long as they need to be, within reason.
WIDTH = None if sys.stdout is not None and sys.stdout.isatty() else 120
OUT = Console(highlight=False, markup=False, width=WIDTH)
ERR = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def a_path(_context: click.Context, parameter: click.Parameter, text: str | None) -> Path | None:
    """A path; an empty one is a variable that was not set, not the present folder."""
    if text == "":
        raise click.BadParameter("it is empty", param=parameter)
    return None if text is None else Path(text)


def a_place(_context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """A path, a pattern or an address; an empty one is a variable that was not set."""
    if text == "":
        raise click.BadParameter("it is empty", param=parameter)
    return text


def a_moment(_context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    """A moment in UTC; a date alone is its beginning."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        inside = EARLIEST <= moment <= LATEST
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no date; write 2018-09-01 or 2018-09-01T12:00:00", param=parameter
        ) from error
    if not inside:
        raise click.BadParameter(f"{text} is not between {EARLIEST:%Y} and {LATEST:%Y}", param=parameter)
    return moment.astimezone(UTC)


registry_option = click.option(
    "--registry",
    "url",
    required=True,
    envvar="SEGMENTATION_REGISTRY",
    help="A directory, or s3://bucket/prefix. Default: SEGMENTATION_REGISTRY.",
)
alias_option = click.option("--alias", default="production", show_default=True, help="The alias to read or move.")
as_of_option = click.option(
    "--as-of",
    callback=a_moment,
    metavar="DATE",
    help="Look at customers from this UTC moment. Default: the newest row of the data.",
)


def source_options(command: Any) -> Any:
    """The options that say what data to read and how."""
    for option in reversed(
        (
            click.option("--source", type=click.Choice(SOURCES), help="Default: sample, a generated shop."),
            click.option("--data", callback=a_place, metavar="PLACE", help="A file, folder or glob; local or s3://."),
            click.option("--mapping", callback=a_path, metavar="FILE", help="How the files read; see docs/mapping.md."),
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
