"""Tables of what a card holds as evidence: how it was chosen, what became of segments, and what the gate said."""

from segmentation.card import Card, CardFeature
from training.report.page import Section, Table
from training.report.segment_words import readable, shares


def evidence(card: Card) -> tuple[Section, ...]:
    """Sections of what there is evidence of.

    Parameters
    ----------
    card
        Whatever it holds; what it does not hold is left out.

    Returns
    -------
    tuple of Section
        At least how far refits agree.
    """
    found = (
        _gate(card),
        _lineage(card),
        _selection(card),
        _refits(card),
        _one_order(card),
        _history(card),
        _data(card),
    )
    return tuple(section for section in found if section is not None)


def _gate(card: Card) -> Section | None:
    if card.gate is None:
        return None
    against = f", against {card.gate.predecessor}" if card.gate.predecessor else ", by absolute floors"
    return Section(
        "gate",
        "May it take the place of the live model?",
        f"The gate said {'yes' if card.gate.passed else 'no'}{against}.",
        tables=(
            Table(
                "Checks",
                ("check", "verdict", "value", "limit", "in words"),
                tuple(
                    (
                        each.name,
                        "passed" if each.passed else "refused",
                        _number(each.value),
                        _number(each.limit),
                        each.says,
                    )
                    for each in card.gate.checks
                ),
                numbers=frozenset({2, 3}),
            ),
        ),
    )


def _lineage(card: Card) -> Section | None:
    lineage = card.lineage
    if lineage is None:
        return None
    names = {segment.id: segment.name for segment in card.all_segments} | {
        each.id: each.name for each in lineage.previous
    }
    moved = f"Compared with {lineage.predecessor} on {lineage.customers:,} customers: "
    moved += f"{shares(lineage.moved_by_model)} of the customers are in another segment because the model changed"
    if lineage.moved_by_customers is not None:
        moved += f", {shares(lineage.moved_by_customers)} because they themselves did"
    tables = [
        Table(
            "Where segments come from",
            ("segment", "status", "of", "overlap (Jaccard)"),
            tuple(
                (_called(each.id, names), each.status, _all(each.of, names), f"{each.jaccard:.2f}")
                for each in lineage.segments
            ),
            numbers=frozenset({3}),
        ),
        Table(
            "What became of the previous ones",
            ("segment", "status", "into"),
            tuple((f"{each.id} {each.name}", each.status, _all(each.into, names)) for each in lineage.previous),
        ),
    ]
    for caption, cells in (
        ("Moved because the model changed", lineage.model_changed),
        ("Moved because customers changed", lineage.customers_moved),
    ):
        rows = tuple(
            (
                _called(each.before, names),
                _called(each.after, names),
                "fewer than 10" if each.customers is None else f"{each.customers:,}",
                shares(each.revenue_share),
            )
            for each in cells
            if each.before != each.after
        )
        if rows:
            tables.append(Table(caption, ("from", "to", "customers", "of revenue"), rows, numbers=frozenset({2, 3})))
    return Section(
        "lineage",
        "What became of the previous segments",
        f"Not compared: {lineage.why}." if lineage.why else f"{moved}.",
        tables=tuple(tables),
    )


def _selection(card: Card) -> Section | None:
    selection = card.selection
    if selection is None:
        return None
    return Section(
        "selection",
        "How the number of segments was chosen",
        f"On {selection.rows:,} customers: {selection.why}",
        tables=(
            Table(
                "Every number tried",
                ("segments", "silhouette", "±", "without structure", "refits agree (ARI)", "smallest", "objection"),
                tuple(
                    (
                        f"{each.k}{' (chosen)' if each.k == selection.k else ''}",
                        f"{each.silhouette:.3f}",
                        f"{each.silhouette_standard_error:.3f}",
                        f"{each.unstructured:.3f}",
                        f"{each.refits.bootstrap_ari:.2f}",
                        shares(each.smallest_share),
                        each.objection or "-",
                    )
                    for each in selection.candidates
                ),
                numbers=frozenset(range(1, 6)),
            ),
        ),
    )


def _refits(card: Card) -> Section:
    refits = card.refits
    return Section(
        "refits",
        "How far refits of the same customers agree",
        f"The model was refitted {refits.times} times on samples of {refits.rows:,} customers drawn with replacement, "
        "and with other seeds. This is the noise floor of every comparison: a difference smaller than it says nothing.",
        tables=(
            Table(
                "Agreement with the model",
                ("measure", "value"),
                (
                    ("adjusted Rand index, other seeds", f"{refits.seeds_ari:.3f}"),
                    ("adjusted Rand index, other customers", f"{refits.bootstrap_ari:.3f}"),
                    ("customers who move to another segment", shares(refits.moved)),
                ),
                numbers=frozenset({1}),
            ),
        ),
    )


def _one_order(card: Card) -> Section | None:
    if not card.one_order:
        return None
    return Section(
        "one-order",
        "What tells customers with one order apart",
        "The share of each feature's variance among them that lies between segments (eta squared). Were it recency "
        "before all others, their segments would be halves of the calendar.",
        tables=(
            Table(
                "Between segments",
                ("feature", "share of variance"),
                tuple(
                    (readable(name), f"{card.one_order[name]:.0%}")
                    for name in sorted(card.one_order, key=lambda name: -card.one_order[name])
                ),
                numbers=frozenset({1}),
            ),
        ),
    )


def _history(card: Card) -> Section | None:
    if not card.history:
        return None
    return Section(
        "history",
        "How much history tells a customer's segment",
        "Customers are looked at after their first few events only: how many are then in the segment that all of their "
        "events put them in? Kappa is that agreement beyond chance.",
        tables=(
            Table(
                "By number of first events",
                ("first events", "customers with more", "same segment", "kappa", "±"),
                tuple(
                    (
                        str(point.events),
                        f"{point.customers:,}",
                        shares(point.agreement),
                        f"{point.kappa:.3f}",
                        f"{point.kappa_standard_error:.3f}",
                    )
                    for point in card.history
                ),
                numbers=frozenset(range(5)),
            ),
        ),
    )


def _data(card: Card) -> Section:
    tables = [
        Table(
            "Features",
            ("feature", "unit", "what", "enters as"),
            tuple(
                (
                    readable(feature.name),
                    feature.unit,
                    feature.help,
                    ("log(1 + x)" if feature.transform == "log1p" else "as it is")
                    + ", winsorised" * feature.winsorised,
                )
                for feature in card.features
            ),
        )
    ]
    if card.left_out:
        rows = tuple((readable(name), why) for name, why in card.left_out.items())
        tables.append(Table("Features left out", ("feature", "why"), rows))
    cleaned = tuple(
        (each.rule, f"{each.rows:,}", "dropped" if each.dropped else "kept") for each in card.cleaning if each.rows
    )
    if cleaned:
        tables.append(Table("Cleaning", ("rule", "rows", "what was done"), cleaned, numbers=frozenset({1})))
    return Section("data", "What it was made of", "Features, and what cleaning found.", tables=tuple(tables))


def _enters(feature: CardFeature) -> str:
    return ("log(1 + x)" if feature.transform == "log1p" else "as it is") + ", winsorised" * feature.winsorised


def _called(id_: int, names: dict[int, str]) -> str:
    return f"{id_} {names[id_]}" if id_ in names else str(id_)


def _all(ids: tuple[int, ...], names: dict[int, str]) -> str:
    return "; ".join(_called(id_, names) for id_ in ids) or "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
