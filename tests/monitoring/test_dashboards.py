"""Grafana's dashboards: what is checked in is what the code makes, and every panel says what it shows."""

import json
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.boards import BOARDS
from monitoring.files import FOLDER, contents


@pytest.mark.parametrize("name", contents())
def test_what_is_checked_in_is_what_the_code_makes(name: str) -> None:
    """`python -m monitoring` writes it anew."""
    assert Path(FOLDER, name).read_text(encoding="utf-8") == contents()[name]


def test_nothing_else_is_checked_in() -> None:
    found = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert found == set(contents())


def panels(name: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(Path(FOLDER, "dashboards", f"{name}.json").read_text())["panels"]
    return made


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_has_a_unit_a_description_and_queries_that_parse(name: str) -> None:
    assert len(panels(name)) == len(BOARDS[name].panels) >= 4
    for panel in panels(name):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        for target in panel["targets"]:
            assert promql_parser.parse(target["expr"])
            assert target["legendFormat"]


@pytest.mark.parametrize("name", BOARDS)
def test_grafana_s_own_types_read_it_and_panels_do_not_overlap(name: str) -> None:
    read = Dashboard.from_json(json.loads(Path(FOLDER, "dashboards", f"{name}.json").read_text()))
    assert read.title == BOARDS[name].title
    assert read.uid
    taken: set[tuple[int, int]] = set()
    for panel in panels(name):
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
