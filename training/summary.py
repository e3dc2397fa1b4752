"""Tables for whoever runs the job: what was understood, what was made, what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation import clock
from segmentation.segment import Segment
from segmentation.tables import TABLES
from training.import_summary import cluster, told
from training.one_order import RECENCY, halves_of_the_calendar
from training.plain_tables import facts as _facts
from training.plain_tables import table as _table
from training.retraining_summary import is_refused, print_retraining

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from segmentation.card import Card
    from segmentation.evidence import Selection
    from segmentation.registry import Move
    from training.assign import Assigned
    from training.snapshot import Snapshot
    from training.sources import Loaded


LEGEND = (
    "even: silhouette of customers without structure; DB, CH: Davies-Bouldin, Calinski-Harabasz; stable: Jaccard of "
    "the least stable segment; seeds, samples: ARI between refits"
)


def print_card(console: Console, card: Card) -> None:
    """Print a model's summary.

    Parameters
    ----------
    console
        Where to.
    card
        The model.
    """
    counts, metrics = card.counts, card.metrics
    facts = _facts()
    facts.add_row("model", card.version)
    facts.add_row("source", f"{card.source}, as of {card.as_of}")
    if card.imported is not None:
        facts.add_row("imported", told(card.imported))
    facts.add_row("customers", _customers(card))
    if counts.earliest is not None:
        facts.add_row(f"{card.table} from, to", f"{counts.earliest}, {counts.latest}")
    facts.add_row("features", f"{len(card.features)}: {', '.join(card.feature_names)}")
    if card.left_out:
        facts.add_row("left out", "; ".join(f"{name}: {reason}" for name, reason in card.left_out.items()))
    facts.add_row("variance kept", f"{metrics.variance_kept:.1%} in {metrics.components} components")
    error = f" ± {metrics.silhouette_standard_error:.4f}" if metrics.silhouette_standard_error else ""
    facts.add_row("silhouette", f"{metrics.silhouette:.4f}{error} ({metrics.silhouette_rows:,} customers)")
    _add_cleaning(facts, card)
    refits, even = card.refits, f"{metrics.unstructured:.4f} where there is no structure"
    facts.add_row("for comparison", even)
    facts.add_row(
        "refits",
        f"ARI {refits.bootstrap_ari:.3f} on bootstrap samples, {refits.seeds_ari:.3f} with other seeds; "
        f"{refits.moved:.1%} of customers move",
    )
    for rule in card.rule_segments:
        facts.add_row(rule.name, f"{' and '.join(map(str, rule.when))}: {rule.why}")
    if card.one_order:
        facts.add_row("one order only", _one_order(card))
    console.print(facts)
    if card.history:
        console.print()
        console.print(_history(card))
    if card.selection is not None:
        console.print()
        console.print(_selection(card.selection))
        natural = "" if card.selection.natural else "; these are no natural segments"
        console.print(LEGEND)
        console.print(f"k = {card.selection.k}: {card.selection.why}{natural}", style="bold")
    numbers = ("customers", "share", "revenue", "silhouette", "stability")
    theirs = ("cluster",) if card.imported is not None else ()
    segments = _table("id", *theirs, "segment", *numbers, right=("id", *theirs, *numbers))
    for position, segment in enumerate(card.all_segments):
        revenue = "-" if segment.revenue_share is None else f"{segment.revenue_share:.1%}"
        segments.add_row(
            str(segment.id),
            *cluster(card.imported, position),
            segment.name,
            f"{segment.customers:,}",
            f"{segment.share:.1%}",
            revenue,
            f"{segment.silhouette:.3f}" if isinstance(segment, Segment) else "-",
            f"{segment.stability:.2f}" if isinstance(segment, Segment) else "-",
        )
    console.print()
    console.print(segments)
    print_retraining(console, card)


def print_read(console: Console, loaded: Loaded) -> None:
    """Print what `check` understood of the files, and what happened to every row.

    Parameters
    ----------
    console
        Where to.
    loaded
        As loaded.
    """
    tables = _table("file", "rows", "columns used", "not used", right=("rows",))
    for table in loaded.read:
        tables.add_row(table.file, f"{table.rows:,}", ", ".join(table.columns), ", ".join(table.not_used) or "-")
    console.print(tables)
    console.print()
    if loaded.cleaning:
        rules = _table("cleaning rule", "rows", "what happened", "for instance", right=("rows",))
        for each in loaded.cleaning:
            rules.add_row(each.rule, f"{each.rows:,}", each.happened, each.example)
        console.print(rules)
        console.print()
    facts = _facts()
    if len(loaded.read) == 1 or not loaded.links:
        read, dropped = sum(table.rows for table in loaded.read), sum(e.rows for e in loaded.cleaning if e.dropped)
        facts.add_row("rows", f"{read:,} read, {dropped:,} dropped, {read - dropped:,} kept")
    for link in loaded.links:
        told = f"{link.rows:,} rows, {link.unmatched:,} of them without a match"
        facts.add_row("link", f"{link.table} -> {link.other} by {link.key}: {told}")
    for note in loaded.notes:
        facts.add_row("note", note)
    if loaded.lost:
        facts.add_row("customers lost", f"{loaded.lost:,} of whom no row was kept")
    if loaded.ignored:
        facts.add_row(
            "ignored", f"{', '.join(loaded.ignored)}: about the person; used if the configuration's features name them"
        )
    console.print(facts)
    console.print()


def print_snapshot(console: Console, loaded: Loaded, snapshot: Snapshot) -> None:
    """Print what `check` understood of the customers.

    Parameters
    ----------
    console
        Where to.
    loaded
        As loaded.
    snapshot
        The customers made of it.
    """
    extent, facts = snapshot.extent, _facts()
    if loaded.shape.moment is not None:
        future = ", which is to come: are the dates right?" if snapshot.as_of > clock.now() else ""
        facts.add_row("as of", f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC{future}")
    if loaded.shape.name != "profiles":
        facts.add_row(loaded.shape.rows, f"{extent.rows:,}")
    if extent.orders is not None:
        facts.add_row("orders", f"{extent.orders:,} (one without lines counts as one line)")
    facts.add_row("customers", f"{extent.customers:,}")
    if extent.one_order_customers is not None:
        share = _percent(extent.one_order_customers, extent.customers)
        facts.add_row("with one order", f"{extent.one_order_customers:,} ({share})")
    if extent.earliest and extent.latest:
        facts.add_row("from, to", f"{extent.earliest:%Y-%m-%d %H:%M:%S}, {extent.latest:%Y-%m-%d %H:%M:%S} UTC")
    console.print(facts)
    console.print()
    features = _table("feature", "unit", "customers who lack it")
    for feature in snapshot.features:
        lacking = snapshot.lacking[feature.name]
        given = f", who get {snapshot.fills[feature.name]:g} ({feature.lacking})" if lacking else ""
        features.add_row(feature.name, feature.unit, f"{lacking:,}{given}")
    for name, reason in snapshot.left_out.items():
        features.add_row(name, "", f"left out: {reason}")
    console.print(features)


def print_assigned(console: Console, card: Card, assigned: Assigned) -> None:
    """Print how many customers are in each segment, beside the share that the model was trained with.

    Parameters
    ----------
    console
        Where to.
    card
        The model.
    assigned
        What was written.
    """
    customers = sum(assigned.customers.values())
    facts = _facts()
    facts.add_row("model", card.version)
    facts.add_row("as of", f"{assigned.as_of:%Y-%m-%d %H:%M:%S} UTC")
    facts.add_row("customers", f"{customers:,}")
    console.print(facts)
    numbers = ("customers", "share", "in training")
    table = _table("id", "segment", *numbers, right=("id", *numbers))
    for segment in card.all_segments:
        number = assigned.customers[segment.id]
        table.add_row(str(segment.id), segment.name, f"{number:,}", f"{number / customers:.1%}", f"{segment.share:.1%}")
    console.print()
    console.print(table)


def print_versions(console: Console, cards: Mapping[str, Card | str], live: dict[str, str]) -> None:
    """Print the versions of a registry, newest first.

    Parameters
    ----------
    console
        Where to.
    cards
        By version, oldest first; in words why, where a card cannot be used. One that the gate refused is said to be so.
    live
        Version by alias.
    """
    numbers = ("customers", "features", "k", "silhouette")
    table = _table("version", "live as", "source", "as of", *numbers, right=numbers)
    for version, card in reversed(list(cards.items())):
        aliases = ", ".join(alias for alias, at in live.items() if at == version)
        if isinstance(card, str):
            table.add_row(version, aliases, card)
            continue
        table.add_row(
            version,
            " ".join(filter(None, (aliases, "refused" if is_refused(card) else ""))),
            card.source,
            card.as_of,
            f"{card.counts.customers:,}",
            str(len(card.features)),
            str(card.k),
            f"{card.metrics.silhouette:.4f}",
        )
    console.print(table)


def print_moves(console: Console, moves: Sequence[Move]) -> None:
    """Print an alias's history, newest first.

    Parameters
    ----------
    console
        Where to.
    moves
        Oldest first.
    """
    table = _table("move", "at", "version", "by", "why")
    for move in reversed(moves):
        table.add_row(
            str(move.sequence), move.at, move.version, move.by, f"{move.why} (forced)" if move.forced else move.why
        )
    console.print(table)


def _add_cleaning(facts: Table, card: Card) -> None:
    dropped = [each for each in card.cleaning if each.rows and each.dropped]
    if dropped:
        facts.add_row("rows dropped", ", ".join(f"{each.rule}: {each.rows:,}" for each in dropped))
    mixed = sum(each.rows for each in card.cleaning if each.rule == "mixed_currency" and not each.dropped)
    if mixed:
        facts.add_row("mixed currencies", f"{mixed:,} rows in another than most, their numbers taken as they are")


def _customers(card: Card) -> str:
    counts = card.counts
    said = f"{counts.customers:,}"
    if counts.orders is not None and counts.one_order_customers is not None:
        said += f" ({_percent(counts.one_order_customers, counts.customers)} with one order), {counts.orders:,} orders"
    rows = TABLES[card.table].rows if card.table in TABLES else "customers"
    return said if rows == "customers" else f"{said}, {counts.rows:,} {rows}"


def _one_order(card: Card) -> str:
    most = sorted(card.one_order, key=lambda name: -card.one_order[name])
    named = [*most[:3], *(name for name in RECENCY if name in most[3:])]
    said = "set apart by " + ", ".join(f"{name} {card.one_order[name]:.0%}" for name in named)
    if halves_of_the_calendar(card.one_order):
        said += ": these segments are halves of the calendar; see docs/configuration.md on customers with one order"
    return said


def _history(card: Card) -> Table:
    numbers = ("first events", "customers with more", "same segment", "kappa", "±")
    table = _table(*numbers, right=numbers)
    for point in card.history:
        table.add_row(
            str(point.events),
            f"{point.customers:,}",
            f"{point.agreement:.1%}",
            f"{point.kappa:.3f}",
            f"{point.kappa_standard_error:.3f}",
        )
    return table


def _selection(selection: Selection) -> Table:
    numbers = ("k", "silhouette", "±", "even", "DB", "CH", "inertia", "smallest", "stable", "seeds", "samples")
    table = _table(*numbers, "objection", right=numbers)
    for each in selection.candidates:
        table.add_row(
            f"{'> ' if each.k == selection.k else ''}{each.k}",
            f"{each.silhouette:.4f}",
            f"{each.silhouette_standard_error:.4f}",
            f"{each.unstructured:.3f}",
            f"{each.davies_bouldin:.2f}",
            f"{each.calinski_harabasz:,.0f}",
            f"{each.inertia:,.0f}",
            "<10" if each.smallest_share is None else f"{each.smallest_share:.1%}",
            f"{min(each.refits.stability):.2f}",
            f"{each.refits.seeds_ari:.2f}",
            f"{each.refits.bootstrap_ari:.2f}",
            each.objection or "-",
        )
    return table


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "0 %"
