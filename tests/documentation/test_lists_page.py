"""docs/lists.md: its command does what it shows, and its table of CRMs is the one that is used."""

import re
import shlex
from pathlib import Path

import duckdb
import pytest

from campaigns.cells import is_formula
from campaigns.lists.columns import OWN, columns
from campaigns.lists.crm import CRMS
from examples.lists import generate_customers
from tests.campaigns.conftest import (
    sample_assignments,  # noqa: F401
    sample_registry,  # noqa: F401
)
from tests.campaigns.exporting import campaigns
from tests.servers.service import ROOT

PAGE = (ROOT / "docs/lists.md").read_text(encoding="utf-8")


def test_the_command_shown_makes_the_lists_shown(
    sample_assignments: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    (command,) = (line for line in block.replace("\\\n", " ").splitlines() if "campaigns lists" in line)
    monkeypatch.chdir(tmp_path)
    Path("segments.parquet").symlink_to(sample_assignments)
    Path("customer.key").write_text("0123456789abcdef" * 2)
    generate_customers.main(Path("segments.parquet"), Path())
    done = campaigns(*shlex.split(command)[3:], SEGMENTATION_CUSTOMER_KEY_FILE="customer.key")
    assert (done.returncode, done.stderr.strip()) == (0, ""), done
    table, row = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert done.stdout.splitlines()[0] == table.splitlines()[0]
    made = next(Path("lists-spring-sale").glob("segment-*.csv")).read_text(encoding="utf-8")
    assert made.splitlines()[0] == row.splitlines()[0]


def test_the_table_of_crms_is_the_one_that_is_used() -> None:
    shown = {}
    for line in re.findall(r"^\| `[a-z]+` \|.*\[.*$", PAGE, re.MULTILINE):
        name, known, *cells, others, _source = (cell.strip() for cell in line.strip("|").split("|"))
        named = zip(("email", "first_name", "last_name"), (cell.strip("` ") for cell in cells), strict=True)
        headers = {word: header for word, header in named if header}
        headers |= {word: header or word for word, header in re.findall(r"`([a-z_]+)`(?:: `([^`]+)`)?", others)}
        shown[name.strip("`")] = (known != "`external_id`", headers)
    assert shown == {name: (crm.by_address, dict(crm.headers)) for name, crm in CRMS.items()}


def test_every_column_of_its_own_is_in_the_table() -> None:
    for name in (*OWN, *columns([], None).headers):
        assert re.search(rf"^\|.*`{name}`", PAGE, re.MULTILINE), name


def test_cells_called_harmless_are() -> None:
    harmless = re.findall(r"`([^`]+)`", PAGE.partition("Telephone numbers (")[2].partition("call no")[0])
    assert len(harmless) == 3
    with duckdb.connect() as connection:
        for cell in harmless:
            assert connection.execute(f"SELECT {is_formula('?')}".replace("?", "$cell"), {"cell": cell}).fetchone() == (
                False,
            )
