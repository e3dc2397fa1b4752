"""docs/monitoring.md names the metrics that are scraped and the series that the rules record, and no others."""

import re

from monitoring.files import rules
from monitoring.rule import Record
from segmentation.registry import Registry
from segmentation.settings import Settings
from service.app import create_app
from tests.servers.service import ROOT

TEXT = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
DRIFT = re.compile(r"segmentation_(drift_|missing|outliers|segment_|\w*_bin_|model_max_age)")


def first_cells(heading: str) -> str:
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `"))


def counted_drift() -> set[str]:
    """The names of the metrics that the page lists."""
    return set(re.findall(r"segmentation_\w+", first_cells("Counted drift")))


def test_the_metrics_of_drift_are_those_that_are_scraped(published: Registry) -> None:
    scraped = create_app(Settings(registry=published.url)).test_client().get("/metrics").text
    there = {line.split()[2] for line in scraped.splitlines() if line.startswith("# TYPE")}
    assert counted_drift() == {name for name in there if DRIFT.match(name)}


def test_the_recorded_series_are_those_of_the_rules() -> None:
    recorded = {rule.record for group in rules() for rule in group.rules if isinstance(rule, Record)}
    baseline = set(re.findall(r"segmentation:[\w:]+", TEXT.split("## The baseline\n")[1].split("\n## ")[0]))
    assert set(re.findall(r"segmentation:[\w:]+", first_cells("Recording rules"))) | baseline == recorded
