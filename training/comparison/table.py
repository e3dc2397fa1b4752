"""The table that `compare` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from training.algorithms import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from training.compare import Compared, Comparison, Features

NONE = "-"
NUMBERS = ("clusters", "noise", "covered", "silhouette", "balance", "stability", "k-means", "s", "MB")


def print_comparison(console: Console, made: Comparison) -> None:
    """Print what the algorithms made of the customers.

    Parameters
    ----------
    console
        Where to.
    made
        The comparison.
    """
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("source", f"{made.source}, as of {made.as_of}")
    facts.add_row("customers", f"{made.customers:,}, the same for every algorithm")
    facts.add_row("features", f"{len(made.own.features)}: {', '.join(made.own.features)}")
    facts.add_row(
        "space", f"{made.own.components} components, {made.own.variance_kept:.1%} of the variance; k = {made.k}"
    )
    console.print(facts)
    console.print()
    console.print(_algorithms(made.own.algorithms))
    notes = [(each.score.algorithm, note) for each in made.own.algorithms for note in each.score.notes]
    _footnotes(console, made.own.algorithms)
    if notes:
        console.print()
        for name, note in notes:
            console.print(f"{find(name).title}: {note}")
    if made.feature_sets:
        console.print()
        console.print(_feature_sets(made))
        console.print(
            "\nEach feature set has a space of its own: fewer features give higher silhouettes, whatever the segments "
            "are worth."
        )


def _algorithms(lines: Sequence[Compared]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("algorithm", no_wrap=True)
    for heading in NUMBERS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for line in lines:
        score = line.score
        mark = "*" if score.extended else "+" if score.form == "sub-clusters" else ""
        title = find(score.algorithm).title + mark
        if not score.computed:
            table.add_row(title, *[NONE] * len(NUMBERS), f"refused: {score.reason}")
            continue
        table.add_row(
            title,
            f"{score.n_clusters:,}",
            f"{score.n_noise:,}",
            f"{score.coverage:.1%}",
            _silhouette(line),
            _two(score.balance),
            _two(score.stability),
            _two(score.agreement),
            NONE if line.seconds is None else f"{line.seconds:.1f}",
            NONE if line.megabytes is None else f"{line.megabytes:,.0f}",
            score.verdict,
        )
    return table


def _footnotes(console: Console, lines: Sequence[Compared]) -> None:
    samples = {line.score.rows_clustered for line in lines if line.score.extended}
    if samples:
        sizes = ", ".join(f"{rows:,}" for rows in sorted(samples))
        console.print(f"\n* ran on a sample ({sizes} customers); the labels of the others are extended from it")
    if any(line.score.form == "sub-clusters" for line in lines):
        console.print("+ joins sub-clusters of all customers")


def _feature_sets(made: Comparison) -> Table:
    numbers = ("components", "clusters", "silhouette", "balance", "stability", "model")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("feature set", "algorithm", *numbers):
        table.add_column(heading, justify="right" if heading in numbers else "left", no_wrap=True)
    table.add_column("features", overflow="fold")
    own = {line.score.algorithm for features in made.feature_sets.values() for line in features.algorithms}
    for name, features in {"(configured)": made.own, **made.feature_sets}.items():
        if features.refused:
            table.add_row(name, NONE, *[NONE] * len(numbers), f"refused: {features.refused}")
        for line in features.algorithms:
            if line.score.algorithm in own and line.score.computed:
                table.add_row(name, find(line.score.algorithm).title, *_of_set(features, line))
    return table


def _of_set(features: Features, line: Compared) -> tuple[str, ...]:
    score = line.score
    return (
        str(features.components),
        f"{score.n_clusters:,}",
        _silhouette(line),
        _two(score.balance),
        _two(score.stability),
        _two(line.agreement_with_model),
        ", ".join(features.features),
    )


def _silhouette(line: Compared) -> str:
    score = line.score
    if score.silhouette_score is None:
        return NONE
    return f"{score.silhouette_score:.3f}" + (f" ± {score.standard_error:.3f}" if score.standard_error else "")


def _two(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"
