"""The page that is published with a model: its segments, and the pictures that tell them."""

from dataclasses import replace

from segmentation.card import Card
from segmentation.segment import RuleSegment
from training.fitting import Fitted
from training.naming import name_segments
from training.populations import NOT_ENOUGH, Populations
from training.report.evidence_tables import evidence
from training.report.page import Page, Section, render
from training.report.plane_pictures import draw_components, draw_neighbours, draw_silhouettes
from training.report.planes import components, neighbours, silhouettes
from training.report.segment_pictures import draw_boxes, draw_radar, draw_sizes
from training.report.segment_words import profiles, segment_card, stand_ins
from training.sections import Report
from training.snapshot import Snapshot
from training.standings import Standings, standings

PAGE = "report.html"
FOLDER = "report"
PAPER = 2
"""Dimensions."""


def model_report(
    card: Card, snapshot: Snapshot, populations: Populations, fitted: Fitted, settings: Report, seed: int
) -> dict[str, bytes]:
    """Make the page of a model, and its pictures.

    Parameters
    ----------
    card
        Of the model; its version and files are not looked at, so that it may be a draft.
    snapshot, populations, fitted
        The customers and the model.
    settings
        How many customers are shown.
    seed
        Of draws, and of t-SNE.

    Returns
    -------
    dict of str to bytes
        `report.html`, which holds everything, and `report/<picture>.png`. The same for the same model.
    """
    card = replace(card, rule_segments=tuple(map(_in_words, card.rule_segments)))
    sections = (*_sections(card, snapshot, populations, fitted, settings, seed), *evidence(card))
    page = Page(title=f"Customer segments: {card.source}", facts=_facts(card), sections=sections, footer=_footer(card))
    pictures = {f"{FOLDER}/{picture.name}.png": picture.png for section in sections for picture in section.pictures}
    return {PAGE: render(page).encode(), **pictures}


def _sections(
    card: Card, snapshot: Snapshot, populations: Populations, fitted: Fitted, settings: Report, seed: int
) -> tuple[Section, ...]:
    rows = snapshot.customers.to_numpy()
    clustered = rows[populations.clustered] if populations.rules else rows
    segments, names = card.segments, card.feature_names
    standing = standings(clustered, fitted.arrays.prepare(clustered), fitted.labels, len(segments))
    middle = dict(zip(names, standing.middle.tolist(), strict=True))
    names_now = _names_now(card, standing, snapshot)
    radar = draw_radar(segments, standing.ranks, names)
    plane = components(fitted, clustered, settings.points, seed)
    islands = (
        neighbours(fitted, clustered, settings.tsne_rows, settings.perplexity, seed) if settings.tsne_rows else None
    )
    of = len(clustered)
    paid = any(segment.revenue_share is not None for segment in card.all_segments)
    return (
        Section(
            "segments",
            "The segments",
            "What sets a segment apart is told by the mean of its customers minus the mean of everybody who was "
            "clustered, in standard deviations (the effect): from 0.5 on it is remarkable, from 0.8 on large. The "
            "numbers beside it are medians.",
            cards=tuple(
                segment_card(segment, card, middle, names_now.get(segment.id, "")) for segment in card.all_segments
            ),
        ),
        Section(
            "sizes-of-segments",
            "Sizes",
            f"How many customers a segment has{', and how much of the revenue' if paid else ''}.",
            pictures=(draw_sizes(card.all_segments),),
        ),
        Section(
            "standing",
            "Where segments stand",
            "Each segment's median customer among everybody who was clustered.",
            pictures=() if radar is None else (radar,),
            left_out="Not drawn: a radar needs three features or more." if radar is None else "",
        ),
        Section(
            "quantiles",
            "Profiles",
            f"Quantiles tell what customers of a segment are like, from the middle to the tails.{stand_ins(card)}",
            pictures=(draw_boxes(card),),
            tables=profiles(card),
        ),
        Section(
            "map",
            "The customers on a map",
            "The model's space has more dimensions than paper; each map shows it from one side."
            if card.metrics.components > PAPER
            else "Customers as the model sees them.",
            pictures=(
                *(() if plane is None else (draw_components(plane, segments, names, of),)),
                *(() if islands is None else (draw_neighbours(islands, segments, of),)),
            ),
            left_out="Not drawn: the model's space has one dimension." if plane is None else "",
        ),
        Section(
            "fit",
            "How well customers fit",
            "The silhouette compares a customer's mean distance to the own segment with that to the nearest other.",
            pictures=(
                draw_silhouettes(*silhouettes(fitted, clustered, settings.points, seed), segments, card.metrics, of),
            ),
        ),
    )


def _names_now(card: Card, standing: Standings, snapshot: Snapshot) -> dict[int, str]:
    """What the rules would call survivors whose name nobody chose: what they were called may no longer be true."""
    chosen = {int(id_) for id_ in card.configuration.get("segment_names") or ()}
    descents = () if card.lineage is None else card.lineage.segments
    survivors = {descent.id for descent in descents if descent.status == "survived"} - chosen
    given = {place: each.name for place, each in enumerate(card.segments) if each.id in chosen}
    found = name_segments(standing, snapshot.features, given, [rule.name for rule in card.rule_segments])
    return {each.id: name for each, name in zip(card.segments, found, strict=True) if each.id in survivors}


def _in_words(segment: RuleSegment) -> RuleSegment:
    return replace(segment, name=segment.name.replace("_", " ").capitalize()) if segment.name == NOT_ENOUGH else segment


def _facts(card: Card) -> tuple[tuple[str, str], ...]:
    counts, metrics = card.counts, card.metrics
    facts = [("source", card.source), ("as of", card.as_of), ("customers", _customers(card))]
    if counts.earliest is not None and counts.latest is not None:
        facts.append(("data from, to", f"{counts.earliest}, {counts.latest}"))
    by_rule = f", and {len(card.rule_segments)} by rule" if card.rule_segments else ""
    facts.append(("segments", f"{card.k}{by_rule}"))
    left_out = f"; {len(card.left_out)} left out" if card.left_out else ""
    facts.append(("features", f"{len(card.features)}{left_out}"))
    error = f" ± {metrics.silhouette_standard_error:.4f}" if metrics.silhouette_standard_error else ""
    facts.append(("silhouette", f"{metrics.silhouette:.4f}{error}, over {metrics.silhouette_rows:,} customers"))
    facts.append(("variance kept", f"{metrics.variance_kept:.1%} in {metrics.components} components"))
    dropped = sum(each.rows for each in card.cleaning if each.dropped)
    if dropped:
        facts.append(("rows dropped", f"{dropped:,} by cleaning"))
    if card.imported is not None:
        facts.append(("imported", f"{'; '.join(card.imported.steps)}; fitted elsewhere, measured on these customers"))
    return tuple(facts)


def _customers(card: Card) -> str:
    counts = card.counts
    said = f"{counts.customers:,}"
    if counts.orders is not None:
        said += f", {counts.orders:,} orders"
        if counts.one_order_customers is not None:
            said += f"; {counts.one_order_customers / counts.customers:.1%} have one order"
    return said


def _footer(card: Card) -> str:
    return (
        "Groups of fewer than 10 customers, smallest and largest values, and ids are told nowhere on this page. "
        f"Seed {card.configuration['seed']}."
    )
