"""docs/algorithms.md says what is declared of the algorithms, their parameters, and the rules of the verdict."""

import re

from tests.documentation.test_docs import page
from training.algorithms import ALGORITHMS, Value
from training.comparison.configured import Comparison
from training.comparison.scatter import POINTS
from training.comparison.verdicts import RULES

TEXT = page("docs/algorithms.md")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ")]


def word(value: Value) -> str:
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def test_every_algorithm_is_in_the_table_as_declared() -> None:
    yes = ("no", "yes")
    for each in ALGORITHMS:
        traits = f"{yes[each.inductive]} | {yes[each.takes_k]} | {yes[each.leaves_noise]}"
        assert f"| `{each.name}` | {traits} | {each.cost} | {each.scaling} |" in ROWS
        if each.exact_up_to is not None and each.beyond == "sample":
            assert f"{each.exact_up_to:,} rows" in each.scaling or f"up to {each.exact_up_to:,}" in each.scaling


def test_every_parameter_is_documented_with_its_default_and_grid() -> None:
    for each in ALGORITHMS:
        for parameter in each.parameters:
            tries = ", ".join(map(word, parameter.grid)) or "-"
            start = f"| `{each.name}` | `{parameter.name}` | {word(parameter.default)} | {parameter.takes} | {tries} |"
            assert f"{start} {parameter.help} |" in ROWS
    rows = [line for line in ROWS if re.match(r"\| `[a-z-]+` \| `", line)]
    assert len(rows) == sum(len(each.parameters) for each in ALGORITHMS)


def test_the_rules_of_the_verdict_are_the_documented_ones() -> None:
    documented = TEXT[TEXT.index("## Verdicts") : TEXT.index("## Feature sets")]
    rows = [line for line in documented.splitlines() if line.startswith("| ") and "Verdict" not in line]
    assert rows == [f"| {rule.name} | {rule.when} |" for rule in RULES]


def test_the_numbers_in_the_words_are_the_defaults() -> None:
    default = Comparison()
    assert f"`comparison.megabytes` ({default.megabytes:,.0f} unless set)" in TEXT
    assert f"`comparison.published_rows` customers ({default.published_rows:,})" in TEXT
    assert f"at most {POINTS:,} customers" in TEXT
    assert default.algorithms == ("k-means", "spectral", "dbscan")
