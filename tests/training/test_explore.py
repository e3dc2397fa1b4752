"""The page of `explore`: complete, self-contained, telling nobody apart, and its numbers are those of the data."""

import re
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from segmentation.errors import ConfigurationError
from segmentation.features import EVENT_FEATURES, ORDER_FEATURES, number
from segmentation.tables import EVENTS, ORDERS, profiles
from tests.training.explored import AS_OF, Tags, drawn, events, load, pictures
from training.explore import explore
from training.snapshot import Snapshot, take
from training.sources.loaded import Loaded
from training.sources.sample import generate


def test_the_page_needs_nothing_but_itself(written: Path) -> None:
    page = written.read_text(encoding="utf-8")
    tags = Tags(page)
    assert {name for name, _ in tags.found} & {"script", "link", "iframe", "object", "embed"} == set()
    assert all(source["src"].startswith("data:image/png;base64,") for source in tags.every("img"))
    assert not re.search(r"https?://|url\(|@import|//[a-z]", re.sub(r"base64,[^\"]+", "", page))


def test_every_section_is_there_and_the_contents_lead_to_it(written: Path) -> None:
    tags = Tags(written.read_text(encoding="utf-8"))
    anchors = [section["id"] for section in tags.every("section")]
    assert anchors == ["tables", "time", "baskets", "regulars", "rfm", "categories", "correlation", "components"]
    assert [link["href"] for link in tags.every("a")] == [f"#{anchor}" for anchor in anchors]


def test_every_picture_is_drawn_described_and_lies_beside_the_page(written: Path) -> None:
    page = written.read_text(encoding="utf-8")
    found = pictures(page)
    assert list(found) == [
        "missing-values", "orders-over-time", "basket-values", "becoming-a-regular", "rfm-grid", "rfm-groups",
        "categories", "correlation", "explained-variance", "loadings",
    ]  # fmt: skip
    for name, content in found.items():
        assert drawn(content), name
        assert (written.parent / f"{name}.png").read_bytes() == content
    assert sorted(path.name for path in written.parent.iterdir()) == sorted(
        [*(f"{n}.png" for n in found), written.name]
    )
    assert all(len(picture["alt"]) > 20 for picture in Tags(page).every("img"))
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, re.DOTALL)
    assert len(captions) == len(found)
    assert all(re.search(r"\d", caption) for caption in captions)


def test_a_rule_that_found_no_row_did_nothing(written: Path) -> None:
    rows = re.findall(r"<tr>(.*?)</tr>", written.read_text(encoding="utf-8"), re.DOTALL)
    cells = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]
    assert ["no customer", "3", "dropped"] in cells
    assert ["malformed_row", "0", "-"] in cells


def test_no_customer_is_on_the_page(written: Path, shop: tuple[Loaded, Snapshot]) -> None:
    words = re.sub(r"base64,[^\"]+", "", written.read_text(encoding="utf-8"))
    customers = shop[1].customers
    assert not [customer for customer in customers.index if customer in words]
    # The largest spender's spending would give one person away.
    assert f"{customers['monetary'].max():,.0f}" not in words


def test_the_same_data_give_the_same_bytes(
    work: Backend, shop: tuple[Loaded, Snapshot], written: Path, tmp_path: Path
) -> None:
    # Loaded anew: other tests use the same database.
    loaded = load(work, ORDERS, ORDER_FEATURES, generate(1_200, 3).sample(frac=1, random_state=1))
    again = explore(work, loaded, take(work, loaded, ORDER_FEATURES), tmp_path)
    assert again.read_bytes() == written.read_bytes()


def test_tables_and_links_are_told_and_names_are_escaped(written: Path) -> None:
    page = written.read_text(encoding="utf-8")
    assert "orders & items.csv" not in page
    words = " ".join(unescape(page).split())
    assert re.search(
        r"items.csv</td> <td>orders & items.csv</td> <td>order_id</td>.*?1,000</td>.*?25</td>.*?2.5 %", words
    )


def test_events_have_their_own_pictures(database: Backend, tmp_path: Path) -> None:
    loaded = load(database, EVENTS, EVENT_FEATURES, events())
    page = explore(database, loaded, take(database, loaded, EVENT_FEATURES), tmp_path).read_text(encoding="utf-8")
    found = pictures(page)
    assert {"events-over-time", "first-purchase", "basket-values", "rfm-groups", "categories"} <= set(found)
    assert all(drawn(content) for content in found.values())
    assert "50 of 300 customers have made their first purchase so far" in page
    assert "50 customers are scored" in page
    assert "250 customers have not bought" in page
    assert "visitor-" not in page
    assert "<b>" not in page


def test_customer_tables_have_the_pictures_that_need_no_time(database: Backend, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"customer_id": [f"c{n}" for n in range(60)], "age": rng.normal(40, 9, 60)})
    frame["income"] = frame["age"] * 2 + rng.normal(0, 1, 60)
    shape = profiles(["age", "income"])
    loaded = load(database, shape, (number("age", "years"), number("income", "k")), frame)
    page = explore(database, loaded, take(database, loaded, loaded.catalogue, AS_OF), tmp_path).read_text("utf-8")
    assert list(pictures(page)) == ["missing-values", "correlation", "explained-variance", "loadings"]


def test_an_unwritable_folder_is_told(work: Backend, shop: tuple[Loaded, Snapshot], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written to"):
        explore(work, *shop, tmp_path / "file")
