"""The page of `explore`: complete, self-contained, telling nobody apart, and its numbers are those of the data."""

import base64
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend
from matplotlib import image

from segmentation.errors import ConfigurationError
from segmentation.features import EVENT_FEATURES, ORDER_FEATURES, Feature, number
from segmentation.privacy import SMALLEST_GROUP
from segmentation.recipe import Preprocessing
from segmentation.settings import Settings
from segmentation.tables import EVENTS, ORDERS, Table, profiles
from training.database import open_database
from training.explore import explore
from training.report import Page, Section, render
from training.report import Table as PageTable
from training.report.activity import activity
from training.report.facts import baskets, categories, missing
from training.report.loyalty import becoming_regular, estimate, may_be_told, rfm_groups
from training.report.rows import Rows, prepare
from training.report.space import space
from training.snapshot import Snapshot, take
from training.sources.loaded import Cleaned, Link, Loaded, TableRead
from training.sources.sample import generate

START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = datetime(2024, 4, 1, tzinfo=UTC)

Make = Callable[[Table, tuple[Feature, ...], pd.DataFrame], Loaded]


class Tags(HTMLParser):
    """The page as a browser would take it apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def every(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.found if name == tag]


def load(database: Backend, shape: Table, catalogue: tuple[Feature, ...], frame: pd.DataFrame) -> Loaded:
    """A source made of a frame; canonical columns that it lacks are not filled."""
    columns = ", ".join(
        f'CAST({f"{column.name}" if column.name in frame else "NULL"} AS {column.sql_type}) AS "{column.name}"'
        for column in shape.columns
    )
    database.con.register("given", frame)
    database.raw_sql(f"CREATE OR REPLACE TABLE {shape.name} AS SELECT {columns} FROM given")
    database.con.unregister("given")
    return Loaded(
        source="test",
        shape=shape,
        table=database.table(shape.name),
        columns=frozenset(frame.columns),
        catalogue=catalogue,
        read=(TableRead("orders & items.csv", len(frame), tuple(frame.columns)),),
        cleaning=(Cleaned("no customer", 3, dropped=True),),
        links=(Link("items.csv", "orders & items.csv", "order_id", 1_000, 25),),
    )


def events(customers: int = 300) -> pd.DataFrame:
    """Three hours of a shop: everybody views, a third put into the cart, a sixth buy."""
    rng = np.random.default_rng(5)
    views = rng.integers(1, 9, customers)
    kinds = [["view"] * count for count in views]
    for customer, kind in enumerate(kinds):
        kind += ["cart"] * (customer % 3 == 0) + ["purchase"] * (customer % 6 == 0)
    rows = np.repeat(np.arange(customers), [len(kind) for kind in kinds])
    return pd.DataFrame(
        {
            "customer_id": [f"visitor-{customer + 7000}" for customer in rows],
            "event_type": [name for kind in kinds for name in kind],
            "occurred_at": START.replace(tzinfo=None)
            + pd.to_timedelta(np.sort(rng.integers(0, 10_200, len(rows))), "s"),
            "product_id": rng.integers(0, 50, len(rows)).astype(str),
            "category": rng.choice(["phones", "clocks <b>", "5$ & 9$"], len(rows)),
            "price": rng.lognormal(4, 1, len(rows)).round(2),
            "session_id": [f"session-{customer}" for customer in rows],
        }
    )


def orders(*lists: tuple[str, list[int]], value: float = 10.0) -> pd.DataFrame:
    """Orders by customer and day since START."""
    rows = [
        {
            "customer_id": customer,
            "order_id": f"{customer}/{place}",
            "ordered_at": START.replace(tzinfo=None) + timedelta(days=day),
            "quantity": 1,
            "unit_price": value,
        }
        for customer, days in lists
        for place, day in enumerate(days)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def work() -> Iterator[Backend]:
    with open_database(Settings()) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(work: Backend) -> tuple[Loaded, Snapshot]:
    loaded = load(work, ORDERS, ORDER_FEATURES, generate(1_200, 3))
    return loaded, take(work, loaded, ORDER_FEATURES)


@pytest.fixture(scope="module")
def written(work: Backend, shop: tuple[Loaded, Snapshot], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explore(work, *shop, tmp_path_factory.mktemp("explore") / "new" / "folder")


def made(database: Backend, frame: pd.DataFrame, as_of: datetime = AS_OF) -> Rows:
    return prepare(database, load(database, ORDERS, ORDER_FEATURES, frame), as_of)


def pictures(page: str) -> dict[str, bytes]:
    found = re.findall(r'<figure id="([a-z-]+)">.*?src="data:image/png;base64,([^"]+)"', page, re.DOTALL)
    return {name: base64.b64decode(content, validate=True) for name, content in found}


def drawn(content: bytes) -> bool:
    """Whether a PNG has a size and is not blank."""
    pixels = image.imread(BytesIO(content), format="png")
    return bool(min(pixels.shape[:2]) > 200 and pixels.std() > 0.01)


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


def test_missing_shares_are_those_of_the_table(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [0, 1]) for n in range(10)])
    frame.loc[:4, "unit_price"] = None
    frame["category"] = ["a"] * 20
    found = {column.column: column for column in missing(made(database, frame))}
    assert found["unit_price"].share == pytest.approx(0.25)
    assert found["category"].share == 0
    assert (found["brand" if "brand" in found else "review_score"].share, found["review_score"].filled) == (1, False)


def test_nothing_after_as_of_is_looked_at(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [0, 100]) for n in range(20)])
    rows = made(database, frame, START + timedelta(days=50))
    assert rows.count == 20
    assert activity(rows).totals["orders"] == 20


def test_kaplan_and_meier_by_hand() -> None:
    """Of 20 customers, 4 arrive at 1, 2 at 3; 2 are lost at 2, 12 at 5. Ten or more are at risk at each step."""
    curve = estimate(np.array([1, 2, 3, 5]), np.array([4, 0, 2, 0]), np.array([0, 2, 0, 12]), 2, "days")
    first, second = 1 - 4 / 20, (1 - 4 / 20) * (1 - 2 / 14)
    assert curve.times.tolist() == [0, 1, 2, 3, 5]
    assert curve.share == pytest.approx([0, 1 - first, 1 - first, 1 - second, 1 - second])
    assert curve.at_risk.tolist() == [20, 20, 16, 14, 12]
    # Greenwood's variance, on the scale log(-log S).
    error = np.sqrt(4 / (20 * 16) + 2 / (14 * 12)) / abs(np.log(second))
    bounds = [1 - second ** np.exp(sign * 1.959964 * error) for sign in (-1, 1)]
    assert [curve.low[3], curve.high[3]] == pytest.approx(sorted(bounds), rel=1e-6)
    assert np.isfinite([curve.low, curve.high]).all()


def test_the_curve_ends_where_fewer_than_ten_are_waited_for() -> None:
    curve = estimate(np.array([1, 50]), np.array([15, 1]), np.array([0, 4]), 2, "days")
    assert curve.times.tolist() == [0, 1]
    assert curve.at_risk.min() >= SMALLEST_GROUP


def test_waiting_times_come_from_first_and_second_orders(database: Backend) -> None:
    people = [(f"back{n}", [0, 10, 40]) for n in range(30)] + [(f"once{n}", [1]) for n in range(70)]
    curve = becoming_regular(made(database, orders(*people)))
    assert curve is not None
    # Thirty are too few for three orders to be the rule.
    assert (curve.orders, curve.unit, curve.customers, curve.arrived) == (2, "days", 100, 30)
    assert curve.share[curve.at(9)] == 0
    assert curve.share[curve.at(10)] == pytest.approx(0.3)
    assert curve.times[-1] == 90


def test_a_regular_has_three_orders_where_enough_customers_have(database: Backend) -> None:
    people = [(f"back{n}", [0, 10, 40]) for n in range(100)] + [(f"once{n}", [0]) for n in range(100)]
    curve = becoming_regular(made(database, orders(*people)))
    assert curve is not None
    assert curve.orders == 3
    assert curve.share[curve.at(39)] == 0
    assert curve.share[curve.at(40)] == pytest.approx(0.5)


def test_periods_of_few_customers_are_not_told(database: Backend) -> None:
    people = [(f"c{n}", [0, 31]) for n in range(40)] + [("alone", [45])]
    found = activity(made(database, orders(*people, value=12.5), datetime(2024, 2, 15, 12, tzinfo=UTC)))
    assert found.period.name == "day"
    assert found.counts["orders"][0] == 40
    assert np.isnan(found.counts["orders"][45])
    assert np.isnan(found.revenue[45]) if found.revenue is not None else False
    assert np.nansum(found.counts["orders"]) == 80
    # With the one order, its value would follow by subtraction.
    assert found.totals == {"orders": 80, "revenue": 80 * 12.5}
    assert found.incomplete


def test_the_bars_of_orders_are_those_of_the_table(work: Backend, shop: tuple[Loaded, Snapshot]) -> None:
    frame = generate(1_200, 3)
    loaded = load(work, ORDERS, ORDER_FEATURES, frame)
    found = activity(prepare(work, loaded, shop[1].as_of))
    first_lines = frame.drop_duplicates("order_id")
    month = first_lines["ordered_at"].dt.to_period("M")
    assert found.period.name == "month"
    assert found.counts["orders"].tolist() == first_lines.groupby(month).size().tolist()
    assert found.revenue == pytest.approx(first_lines.groupby(month)["payment_value"].sum().to_numpy())


def test_basket_quartiles_are_those_of_the_orders(work: Backend, shop: tuple[Loaded, Snapshot]) -> None:
    frame = generate(1_200, 3)
    found = baskets(prepare(work, load(work, ORDERS, ORDER_FEATURES, frame), shop[1].as_of))
    values = frame.drop_duplicates("order_id")["payment_value"]
    assert found is not None
    assert (found.first, found.median, found.third) == pytest.approx(tuple(values.quantile([0.25, 0.5, 0.75])))
    assert found.counts.sum() + found.untold == len(values) == found.valued
    inside = ((values >= found.edges[3]) & (values < found.edges[4])).sum()
    assert found.counts[3] == inside
    assert found.edges[0] > values.min()


def test_small_categories_are_summed_with_the_others(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [n % 5]) for n in range(60)])
    frame["category"] = ["books"] * 30 + ["toys"] * 15 + [None] * 10 + ["rare"] * 3 + ["odd"] * 2
    # Five customers bought the rare and the odd: not even their sum is told.
    found = categories(made(database, frame))
    assert found is not None
    assert [(c.name, c.amount, c.customers) for c in found.top] == [
        ("books", 300, 30),
        ("toys", 150, 15),
        (None, 100, 10),
    ]
    assert (found.others, found.others_number, found.total) == (None, 2, 550)


def test_the_others_are_told_where_they_have_ten_customers(database: Backend) -> None:
    frame = orders(*[(f"c{n}", [n % 5]) for n in range(60)])
    frame["category"] = ["books"] * 45 + [f"rare {n}" for n in range(15)]
    found = categories(made(database, frame))
    assert found is not None
    assert found.others is not None
    assert (found.others.amount, found.others.customers, found.others_number) == (150, 15, 15)
    assert found.total == 600


def test_rfm_groups_add_up_and_few_are_not_told(work: Backend, shop: tuple[Loaded, Snapshot]) -> None:
    loaded = load(work, ORDERS, ORDER_FEATURES, generate(1_200, 3))
    found = rfm_groups(prepare(work, loaded, shop[1].as_of))
    assert found is not None
    assert found.cells.sum() == found.customers == 1_200
    assert found.cells[:, 0].sum() == found.one_order == (shop[1].customers["frequency"] == 1).sum()
    assert found.one_order_score == 1
    assert all(group.customers is None or group.customers >= SMALLEST_GROUP for group in found.groups)
    if all(group.customers is not None for group in found.groups):
        assert sum(group.revenue_share or 0 for group in found.groups) == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([50, 0, 12], [True, True, True]),
        ([50, 3, 12], [True, False, False]),
        ([50, 6, 7, 12], [True, False, False, True]),
        ([4, 5], [False, False]),
    ],
)
def test_a_total_gives_no_small_group_away(counts: list[int], told: list[bool]) -> None:
    assert may_be_told(np.array(counts)).tolist() == told


def test_correlation_and_components_are_those_of_the_features(shop: tuple[Loaded, Snapshot]) -> None:
    customers, features = shop[1].customers, shop[1].features
    found = space(customers, features, Preprocessing())
    assert found is not None
    assert found.correlation == pytest.approx(customers.corr(method="spearman").to_numpy(), abs=1e-9)
    assert found.variance.sum() == pytest.approx(1)
    # A feature is all of its components together, so the squares of its loadings sum to 1.
    assert np.square(found.loadings).sum(axis=1) == pytest.approx(np.ones(len(features)))
    assert found.kept is not None
    assert found.variance[: found.kept].sum() >= 0.9 > found.variance[: found.kept - 1].sum()


def test_whatever_is_in_the_data_is_words_on_the_page() -> None:
    attack = "<script>alert(1)</script>"
    table = PageTable(attack, (attack,), ((attack,),))
    page = render(Page(attack, ((attack, attack),), (Section("a", attack, attack, tables=(table,), left_out=attack),)))
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 11
