"""The descriptive analysis of a source, as one HTML page with pictures."""

from pathlib import Path

from ibis.backends.duckdb import Backend

from segmentation.clock import iso
from segmentation.privacy import SMALLEST_GROUP
from segmentation.recipe import Preprocessing
from segmentation.whole import require_folder, write_all
from training.report import Page, Picture, Section, Table, render
from training.report.activity import activity
from training.report.activity_pictures import draw_activity
from training.report.business_pictures import draw_baskets, draw_categories, draw_missing
from training.report.customer_pictures import draw_curve, draw_grid, draw_groups
from training.report.drawing import percent
from training.report.facts import baskets, categories, missing
from training.report.feature_pictures import draw_correlation, draw_loadings, draw_variance
from training.report.loyalty import becoming_regular, rfm_groups
from training.report.rows import Rows, prepare
from training.report.space import space
from training.snapshot import Snapshot
from training.sources.loaded import Loaded

PAGE = "explore.html"

FEW = f"Not told: fewer than {SMALLEST_GROUP} customers are concerned."


def explore(
    database: Backend, loaded: Loaded, snapshot: Snapshot, out: Path, *, preprocessing: Preprocessing | None = None
) -> Path:
    """Write the descriptive analysis: a page that holds its pictures, and each picture beside it.

    Parameters
    ----------
    database
        Where the canonical table is.
    loaded
        The source.
    snapshot
        Its customers; nothing after its as_of is looked at.
    out
        A directory; it is made if need be. Files of the same names are replaced.
    preprocessing
        Of the model whose components are shown; None: the default.

    Returns
    -------
    Path
        The page, `explore.html`. The same data give the same page.

    Raises
    ------
    ConfigurationError
        The directory cannot be written to.
    """
    # A wrong folder should not cost the queries.
    require_folder(out)
    sections = _sections(prepare(database, loaded, snapshot.as_of), snapshot, preprocessing or Preprocessing())
    page = Page(title=f"What is in the data: {loaded.source}", facts=_facts(loaded, snapshot), sections=sections)
    files = {f"{picture.name}.png": picture.png for section in sections for picture in section.pictures}
    # Last: whoever finds the page finds its pictures.
    files[PAGE] = render(page).encode()
    write_all(out, files)
    return out / PAGE


def _sections(rows: Rows, snapshot: Snapshot, preprocessing: Preprocessing) -> tuple[Section, ...]:
    timed = rows.loaded.shape.moment is not None
    return (
        _tables(rows, snapshot),
        *(_over_time(rows) if timed else ()),
        *_features(snapshot, preprocessing),
    )


def _facts(loaded: Loaded, snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    extent = snapshot.extent
    facts = [("source", loaded.source), (loaded.shape.rows, f"{extent.rows:,}"), ("customers", f"{extent.customers:,}")]
    if extent.orders is not None:
        facts.append(("orders", f"{extent.orders:,}"))
    if extent.earliest is not None and extent.latest is not None:
        facts.append(("from, to", f"{extent.earliest:%Y-%m-%d}, {extent.latest:%Y-%m-%d}"))
        facts.append(("as of", f"{iso(snapshot.as_of)}; nothing later is looked at"))
    unique = dict(facts)
    unique["not told"] = f"groups of fewer than {SMALLEST_GROUP} customers, and smallest and largest values"
    return tuple(unique.items())


def _tables(rows: Rows, snapshot: Snapshot) -> Section:
    loaded = rows.loaded
    tables = [
        Table(
            "Files",
            ("file", "rows", "columns used", "columns not used"),
            tuple(
                (table.file, f"{table.rows:,}", ", ".join(table.columns), ", ".join(table.not_used) or "-")
                for table in loaded.read
            ),
            numbers=frozenset({1}),
        )
    ]
    if loaded.links:
        tables.append(
            Table(
                "Links between tables",
                ("table", "refers to", "by", "rows", "without a match", "share"),
                tuple(
                    (
                        link.table,
                        link.other,
                        link.key,
                        f"{link.rows:,}",
                        f"{link.unmatched:,}",
                        percent(link.unmatched / link.rows if link.rows else 0.0),
                    )
                    for link in loaded.links
                ),
                numbers=frozenset({3, 4, 5}),
            )
        )
    if loaded.cleaning:
        tables.append(
            Table(
                "Cleaning",
                ("rule", "rows", "what was done"),
                tuple((rule.rule, f"{rule.rows:,}", rule.happened) for rule in loaded.cleaning),
                numbers=frozenset({1}),
            )
        )
    customers = len(snapshot.customers)
    tables.append(
        Table(
            "Features of the customers",
            ("feature", "unit", "what", "customers who lack it"),
            tuple(
                (feature.name, feature.unit, feature.help, percent(snapshot.lacking.get(feature.name, 0) / customers))
                for feature in snapshot.features
            ),
            numbers=frozenset({3}),
        )
    )
    return Section(
        "tables",
        "Tables, links and missing values",
        "What was read, how it hangs together, and which values are missing. A hatched bar is a column that the source "
        "does not have at all.",
        tables=tuple(table for table in tables if table.rows),
        pictures=(draw_missing(missing(rows), rows.count, loaded.shape.rows),),
    )


def _over_time(rows: Rows) -> tuple[Section, ...]:
    of_orders = rows.loaded.shape.name == "orders"
    called = "orders" if of_orders else "sessions with a purchase"
    basket = baskets(rows)
    curve = becoming_regular(rows)
    groups = rfm_groups(rows)
    kinds = categories(rows)
    return (
        Section(
            "time",
            "Orders and revenue over time" if of_orders else "Events and purchases over time",
            "The finest of 15 minutes, hour, day, week and month that gives at most 60 bars. A hatched bar is a period "
            "that is not over; a cross stands for fewer than ten customers.",
            pictures=(draw_activity(activity(rows)),),
        ),
        _section(
            "baskets",
            "Basket values",
            "What is spent at once: the value of an order."
            if of_orders
            else "What is spent at once: the prices of what one customer purchased in one session.",
            () if basket is None else (draw_baskets(basket, called),),
        ),
        _section(
            "regulars",
            "Becoming a regular" if of_orders else "From first event to first purchase",
            (
                "A regular has three orders, if at least 1 % of the customers and at least 100 have them; else two. "
                if of_orders
                else "Visitors who have not bought by the end of the data may still do so. "
            )
            + "Kaplan and Meier's estimate counts customers for as long as they were seen; it holds if those who came "
            "late in the data behave like those who came early.",
            () if curve is None else (draw_curve(curve),),
        ),
        _section(
            "rfm",
            "Recency, frequency, monetary value",
            "Each customer who bought is scored 1 to 5 by the share of customers with a lower value; equal customers "
            "get equal scores. The names are the conventional ones, made a partition.",
            () if groups is None else (draw_grid(groups, called), draw_groups(groups)),
        ),
        _section(
            "categories",
            "Categories",
            "The fifteen largest categories of at least ten customers; all others are summed.",
            () if kinds is None else (draw_categories(kinds),),
            "Not told: the source has no categories, or none of ten customers.",
        ),
    )


def _features(snapshot: Snapshot, preprocessing: Preprocessing) -> tuple[Section, ...]:
    seen = space(snapshot.customers, snapshot.features, preprocessing)
    few = "Not told: there are fewer than two features or ten customers."
    return (
        _section(
            "correlation",
            "Correlation of the features",
            "Ranks are correlated (Spearman), so that neither scale nor extremes matter. Features that correlate "
            "strongly say the same thing, and weigh twice in a model without PCA.",
            () if seen is None else (draw_correlation(seen),),
            few,
        ),
        _section(
            "components",
            "Principal components",
            "The features as the model sees them: winsorised, on a log scale where declared, standardised, and brought "
            "to uncorrelated components. A component's sign is arbitrary; its largest loading is shown as positive.",
            () if seen is None else (draw_variance(seen), draw_loadings(seen)),
            few,
        ),
    )


def _section(anchor: str, title: str, explains: str, pictures: tuple[Picture, ...], without: str = FEW) -> Section:
    return Section(anchor, title, explains, pictures=pictures, left_out="" if pictures else without)
