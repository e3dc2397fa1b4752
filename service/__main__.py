"""`python -m service`: the commands beside the server itself."""

import sys

import click

from segmentation.errors import SegmentationError
from service.keys_cli import keys


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Look after the prediction service. It is started by gunicorn; see docs/operations.md."""


cli.add_command(keys)


def main() -> None:
    """Run a command; an error of ours is two lines and its exit status."""
    try:
        cli(prog_name="python -m service")
    except SegmentationError as error:
        click.echo(f"error: {error.message}\n  {error.hint}", err=True)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
