"""What the commands share: where they print, the options they have in common, how a help text ends."""

import sys
from pathlib import Path

import click
from rich.console import Console

# Into a file or a log, lines are as long as they need to be, within reason.
WIDTH = None if sys.stdout is not None and sys.stdout.isatty() else 120
OUT = Console(highlight=False, markup=False, width=WIDTH)
ERR = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def a_path(_context: click.Context, parameter: click.Parameter, text: str | None) -> Path | None:
    """A path; an empty one is a variable that was not set, not the present folder."""
    if text == "":
        raise click.BadParameter("it is empty", param=parameter)
    return None if text is None else Path(text)


assignments_option = click.option(
    "--assignments",
    required=True,
    callback=a_path,
    metavar="FILE",
    help="What `python -m training assign` wrote, .parquet or .csv.",
)
registry_option = click.option(
    "--registry",
    "url",
    required=True,
    envvar="SEGMENTATION_REGISTRY",
    help="A directory, or s3://bucket/prefix. Default: SEGMENTATION_REGISTRY.",
)


class Example(click.Command):
    """A command whose help ends with an example, as it is typed."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example without wrapping it."""
        with formatter.section("Example"):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"  {line}\n")
