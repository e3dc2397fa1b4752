"""Every command line that a page or a help text shows is one that the programs take: commands, options, presets."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from campaigns.cli import cli as campaigns
from campaigns.scenario.reading import presets
from service.__main__ import cli as service
from tests.servers.service import ROOT
from training.cli import cli as training

PROGRAMS: dict[str, click.Command] = {"campaigns": campaigns, "service": service, "training": training}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def helps(command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from helps(inner)
    yield command.epilog or ""


def shown(text: str) -> list[str]:
    """Command lines, joined where a backslash goes on in the next line, without comments and what follows a pipe."""
    joined = re.sub(r'"\$\([^)]*\)"', "VALUE", re.sub(r" *\\\n *", " ", text))
    return re.findall(r"^(?:\$ )?(python -m (?:campaigns|service|training) [^|>&\n]*)", joined, re.MULTILINE)


def parse(line: str) -> dict[str, object]:
    _, _, program, *arguments = shlex.split(line, comments=True)
    command, name = PROGRAMS[program], program
    while isinstance(command, click.Group):
        found = command.commands.get(arguments[0])
        assert found is not None, f"{arguments[0]}: {line}"
        command, name, arguments = found, arguments[0], arguments[1:]
    with command.make_context(name, arguments) as context:
        return dict(context.params)


def blocks(page: Path) -> str:
    return "\n".join(re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))


LINES = sorted(
    {("help", line) for program in PROGRAMS.values() for epilog in helps(program) for line in shown(epilog)}
    | {(page.name, line) for page in PAGES for line in shown(blocks(page))}
)


@pytest.mark.parametrize(("where", "line"), LINES)
def test_a_command_shown_is_taken(where: str, line: str) -> None:
    given = parse(line)
    scenario = str(given.get("scenario", "x.yaml"))
    assert scenario.endswith(".yaml") or scenario in presets(), where


def test_there_are_commands_of_every_program() -> None:
    assert len(LINES) > 50
    assert {line.split()[2] for _, line in LINES} == set(PROGRAMS)
