"""Every link of every page leads to a file, and to a heading where it names one; so does what the code refers to."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.servers.service import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = [
    file
    for room in ("campaigns", "docker", "examples", "k8s", "monitoring", "segmentation", "service", "training")
    for file in sorted((ROOT / room).rglob("*"))
    if file.suffix in {".py", ".yaml", ".yml", ".sh", ".json"}
]


def headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def lost(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    file = page.parent / name if name else page
    return not file.exists() or bool(anchor and anchor not in headings(file))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if lost(page, target)] == []


def test_every_page_that_the_code_names_is_there() -> None:
    named = {
        (file.relative_to(ROOT), target)
        for file in CODE
        for target in re.findall(r"\b(docs/[\w/-]+\.md(?:#[\w-]+)?)", file.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    assert [pair for pair in named if lost(ROOT / "README.md", pair[1])] == []
