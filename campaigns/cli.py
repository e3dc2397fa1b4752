"""`python -m campaigns COMMAND`: parse, call, print. Exit codes are those of the error tree."""

from __future__ import annotations

import os
import sys

import click

from campaigns.experiment_cli import experiment
from campaigns.export_cli import export, forget
from campaigns.lists_cli import lists
from campaigns.options import ERR
from campaigns.scenario_cli import simulate
from segmentation.failures import KNOWN, failure
from segmentation.stopping import INTERRUPTED, at_sigterm, status_of


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """Put segments to work: warehouse, CRM lists, promotion scenarios, A/B tests.

    Exit codes: 0 done, 1 defect, 2 bad input or usage, 4 lost a race to another run, 5 store or warehouse unavailable
    (worth retrying).
    """


cli.add_command(export)
cli.add_command(forget)
cli.add_command(lists)
cli.add_command(experiment)
cli.add_command(simulate)


def main() -> None:
    """Run the command line; every expected failure is two lines and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            # A terminal that lacks a sign shows another; it must not stop an export.
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
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
        _give_up_stdout()
    except KNOWN as error:
        told = failure(error)
        _complain(told.message, told.hint)
        if isinstance(error, OSError):
            _give_up_stdout()
        sys.exit(told.exit_status)


def _give_up_stdout() -> None:
    """What is still buffered goes nowhere; Python would complain once more when it flushes at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str, hint: str) -> None:
    ERR.print(f"error: {message}", style="bold")
    if hint:
        ERR.print(f"  {hint}")
