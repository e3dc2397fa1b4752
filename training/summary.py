"""Tables for whoever runs the job: what was understood, what was made, what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from segmentation.card import Card
    from segmentation.registry import Move
    from training.assign import Assigned
    from training.snapshot import Snapshot
    from training.sources import Orders


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
    facts.add_row(
        "customers",
        f"{counts.customers:,} ({_percent(counts.one_order_customers, counts.customers)} with one order), "
        f"{counts.orders:,} orders, {counts.order_lines:,} order lines",
    )
    facts.add_row("orders from, to", f"{counts.earliest_order}, {counts.latest_order}")
    facts.add_row("features", f"{len(card.features)}: {', '.join(card.feature_names)}")
    if card.left_out:
        facts.add_row("left out", "; ".join(f"{name}: {reason}" for name, reason in card.left_out.items()))
    facts.add_row("variance kept", f"{metrics.variance_kept:.1%} in {metrics.components} components")
    error = f" ± {metrics.silhouette_standard_error:.4f}" if metrics.silhouette_standard_error else ""
    facts.add_row("silhouette", f"{metrics.silhouette:.4f}{error} ({metrics.silhouette_rows:,} customers)")
    dropped = {rule: count for rule, count in card.cleaning.items() if count}
    if dropped:
        facts.add_row("rows left out", ", ".join(f"{rule}: {count:,}" for rule, count in dropped.items()))
    console.print(facts)
    segments = _table("id", "segment", "customers", "share", "revenue", right=("id", "customers", "share", "revenue"))
    for segment in card.segments:
        revenue = "-" if segment.revenue_share is None else f"{segment.revenue_share:.1%}"
        segments.add_row(str(segment.id), segment.name, f"{segment.customers:,}", f"{segment.share:.1%}", revenue)
    console.print()
    console.print(segments)


def print_understood(console: Console, orders: Orders, snapshot: Snapshot) -> None:
    """Print what `check` understood of the data.

    Parameters
    ----------
    console
        Where to.
    orders
        As loaded.
    snapshot
        The customers made of them.
    """
    tables = _table("table", "rows", "columns used", right=("rows",))
    for table in orders.read:
        tables.add_row(table.file, f"{table.rows:,}", ", ".join(table.columns))
    console.print(tables)
    console.print()
    extent, facts = snapshot.extent, _facts()
    for rule, count in orders.cleaning.items():
        facts.add_row(f"left out: {rule}", f"{count:,} rows")
    facts.add_row("as of", f"{snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC")
    facts.add_row("order lines", f"{extent.order_lines:,} (an order without lines counts as one)")
    facts.add_row("orders", f"{extent.orders:,}")
    facts.add_row("customers", f"{extent.customers:,}")
    facts.add_row(
        "with one order",
        f"{extent.one_order_customers:,} ({_percent(extent.one_order_customers, extent.customers)})",
    )
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
    for segment in card.segments:
        number = assigned.customers[segment.id]
        table.add_row(str(segment.id), segment.name, f"{number:,}", f"{number / customers:.1%}", f"{segment.share:.1%}")
    console.print()
    console.print(table)


def print_versions(console: Console, cards: Mapping[str, Card | None], live: dict[str, str]) -> None:
    """Print the versions of a registry, newest first.

    Parameters
    ----------
    console
        Where to.
    cards
        By version, oldest first; None where a card cannot be read.
    live
        Version by alias.
    """
    numbers = ("customers", "features", "k", "silhouette")
    table = _table("version", "live as", "source", "as of", *numbers, right=numbers)
    for version, card in reversed(list(cards.items())):
        aliases = ", ".join(alias for alias, at in live.items() if at == version)
        if card is None:
            table.add_row(version, aliases, "its card cannot be read")
            continue
        table.add_row(
            version,
            aliases,
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
        table.add_row(str(move.sequence), move.at, move.version, move.by, move.why)
    console.print(table)


def _table(*headings: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return table


def _facts() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "0 %"
