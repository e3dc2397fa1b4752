"""docs/experiments.md says what descriptions of experiments take."""

import re
from dataclasses import fields

from campaigns.experiment.description import Experiment, Metric, Rules, Window, load
from tests.servers.service import ROOT

PAGE = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")


def test_the_example_on_the_page_is_the_file_and_is_accepted() -> None:
    file = ROOT / "examples" / "experiment" / "free-shipping.yaml"
    block = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert block
    assert file.read_text(encoding="utf-8").endswith(block[1])
    assert load(file).control == "control"


def test_every_key_is_explained() -> None:
    rows = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))
    told = set(re.findall(r"`([a-z_.]+)`", rows))
    nested = {"metric": Metric, "window": Window, "analysis": Rules}
    keys = {field.name for field in fields(Experiment)} - set(nested)
    keys |= {f"{name}.{field.name}" for name, kind in nested.items() for field in fields(kind)}
    assert told == keys
