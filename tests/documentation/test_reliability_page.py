"""docs/reliability.md names tests that exist, metrics that are there, and reasons that can come."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from segmentation.registry import Registry
from segmentation.settings import Settings
from service.app import create_app
from service.worker_status import REASONS
from tests.documentation.test_docs import page
from tests.documentation.test_monitoring_page import counted_drift
from tests.servers.service import ROOT

TEXT = page("docs/reliability.md")
FAULTS = TEXT.split("## Faults")[1].split("## Limits")[0]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def rows() -> Iterator[list[str]]:
    for line in FAULTS.splitlines():
        if line.startswith("| ") and not line.startswith("| Fault"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_every_row_of_the_table_names_tests_that_exist() -> None:
    found = list(rows())
    assert len(found) >= 20
    for row in found:
        assert len(row) == 5, row[0]
        named = NAMED.findall(row[4])
        assert named, row[0]
        assert [(file, test) for file, test in named if test not in functions_of(ROOT / file)] == []
    everywhere = NAMED.findall(TEXT)
    assert [(file, test) for file, test in everywhere if test not in functions_of(ROOT / file)] == []


def test_every_test_of_a_store_a_disk_or_a_clock_is_named() -> None:
    named = {test for _, test in NAMED.findall(TEXT)}
    for file in ("test_store_s3.py", "test_disk.py", "test_clock.py", "test_slow_store.py"):
        found = functions_of(ROOT / "tests/reliability" / file)
        assert {name for name in found if name.startswith("test_")} <= named


def test_the_reasons_are_those_of_the_tree_of_errors() -> None:
    listed = re.search(r"`reason` is one of: (.*?); they", TEXT, re.DOTALL)
    assert listed
    assert re.findall(r"`([a-z-]+)`", listed[1]) == list(REASONS)
    for row in rows():
        assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", row[3])) <= set(REASONS), row[0]


def test_the_metrics_are_those_that_are_scraped(published: Registry) -> None:
    scraped = create_app(Settings(registry=published.url)).test_client().get("/metrics").text
    there = {
        line.split()[2]
        for line in scraped.splitlines()
        if line.startswith("# TYPE") and not re.search(r"request|customers", line)
    }
    documented = set(re.findall(r"^\| `(segmentation_\w+)", TEXT, re.MULTILINE))
    # Those of drift have a page of their own.
    assert documented == {name for name in there if not name.endswith("_created")} - counted_drift()
