"""docs/scenarios.md: its example is a scenario, and it names every key, form, preset, picture and feature."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from campaigns.scenario import reading
from campaigns.scenario.assumptions import Uncertain
from campaigns.scenario.moves import ORDER_KEPT, ORDER_MOVES
from campaigns.scenario.scenario import Change, Scenario

PAGE = Path("docs/scenarios.md").read_text(encoding="utf-8")


def test_the_example_is_a_scenario() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    scenario = reading.parse(example, "docs/scenarios.md").scenario
    used = {field.name for field in fields(Scenario) if getattr(scenario, field.name) not in ((), None, "")}
    assert used | {"about"} == {field.name for field in fields(Scenario)}


@pytest.mark.parametrize("kind", [Uncertain, Change])
def test_every_key_of_a_number_and_of_a_change_is_named(kind: type) -> None:
    for field in fields(kind):
        assert re.search(rf"`[^`]*\b{field.name}\b[^`]*`", PAGE), field.name


def test_every_preset_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \| [a-z]", PAGE, re.MULTILINE)) >= set(reading.presets())


def test_every_feature_of_orders_is_in_the_table_of_moves() -> None:
    table = PAGE.partition("| Feature of orders | Afterwards |")[2].partition("\n\n")[0]
    for name in {move.feature for move in ORDER_MOVES} | set(ORDER_KEPT):
        assert f"`{name}`" in table


def test_every_picture_is_shown_and_explained() -> None:
    for name in ("money", "segments", "migration", "sensitivity", "whom-first"):
        assert f"](images/scenario-{name}.png)" in PAGE
        assert f"`{name}.png`" in PAGE
