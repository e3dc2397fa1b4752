"""docs/segments.md says what the rules of names, the colours and the report do."""

import re
from itertools import product

import yaml

from tests.documentation.test_docs import page
from tests.servers.service import ROOT
from training.colours import FURTHER, OKABE_ITO
from training.job import Result
from training.naming import ACTIVITY, LEANING, LONGEST, REMARKABLE, SLIGHT, VALUE, Level, head
from training.report.planes import LEAST
from training.report.segment_pictures import LEAST_SPOKES, MOST_SPOKES
from training.report.segment_words import stability_words
from training.sections import Report
from training.standings import SAME

TEXT = page("docs/segments.md")
WORDS = " ".join(TEXT.split())
LEVELS: tuple[Level, ...] = ("high", "middle", "low")


def test_the_beginnings_of_names_are_those_of_the_rules() -> None:
    rows = [line.strip() for line in TEXT.splitlines() if re.match(r" *\| (high|middle|low) \|", line)]
    expected = [
        f"| {value} | {activity} | {head(value, activity)} | "
        f"{head(value, activity, events=True, everybody=0)} |".replace("|  |", "| |").replace("|  |", "| |")
        for value, activity in product(LEVELS, LEVELS)
    ]
    assert rows == expected
    assert head("high", "high", everybody=2) == "Frequent big spenders"
    assert head("middle", "low", own=2) == "Occasional customers"
    assert head("high", "middle", events=True, everybody=5) == "Big spenders"


def test_the_limits_are_those_of_the_rules() -> None:
    for said in (
        f"its effect is {REMARKABLE:g} or more",
        f"its effect is -{REMARKABLE:g} or less",
        f"correlated by more than {SAME:g}",
        f"at least {LEANING:g} is added",
        f"an effect of {SLIGHT:g} or more",
        f"at most {LONGEST} characters",
        f"`{VALUE[0]}`, or `{VALUE[1]}`",
        f"`{ACTIVITY[0]}`, or `{ACTIVITY[1]}`",
        f"at least {LEAST} of each",
    ):
        assert said in WORDS, said
    assert (LEAST_SPOKES, MOST_SPOKES) == (3, 10)
    assert (len(OKABE_ITO), len(FURTHER)) == (8, 16)
    assert [stability_words(least) for least in (0.85, 0.75)] == ["highly stable", "stable"]


def test_the_names_of_the_generated_shop_are_those_that_it_gets(sample_result: Result) -> None:
    for segment in sample_result.made.card.segments:
        assert re.search(rf"^\| [\w\- ]+ \| {segment.name} \|$", TEXT, re.MULTILINE)


def test_every_picture_is_explained_and_shown(sample_result: Result) -> None:
    pictures = {name for name in sample_result.made.files if name.startswith("report/")}
    assert set(re.findall(r"`(report/\w+\.png)`", TEXT)) == pictures
    for name in pictures:
        shown = f"images/segments-{name.removeprefix('report/')}"
        assert f"({shown})" in TEXT
        assert (ROOT / "docs" / shown).read_bytes().startswith(b"\x89PNG")


def test_the_documented_report_is_the_default_one() -> None:
    block = next(block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if block.startswith("report:"))
    assert Report(**yaml.safe_load(block)["report"]) == Report()
