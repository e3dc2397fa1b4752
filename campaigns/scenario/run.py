"""A scenario from files to a result: the steps in their order."""

from __future__ import annotations

from pathlib import Path

from campaigns.assignments import open_assignments
from campaigns.scenario import base as bases
from campaigns.scenario import ranking
from campaigns.scenario.binding import bind
from campaigns.scenario.outcome import summarise
from campaigns.scenario.reading import Source
from campaigns.scenario.results import Result
from campaigns.scenario.sensitivity import sensitivity
from campaigns.scenario.simulation import simulate
from segmentation.opening import proved
from segmentation.registry import Registry
from segmentation.settings import Settings


def run(
    source: Source,
    assignments: Path,
    registry: Registry,
    settings: Settings,
    *,
    draws: int,
    seed: int,
    customers_out: Path | None = None,
) -> Result:
    """Simulate a scenario.

    Parameters
    ----------
    source
        The scenario.
    assignments
        What `training assign --with-features` wrote.
    registry
        Where the model is that wrote it.
    settings
        `memory_limit` and `spill_dir`.
    draws, seed
        How many draws, and from which seed.
    customers_out
        Where the list of whom to contact first is written; None: nowhere.

    Returns
    -------
    Result
        The same for the same customers, model, scenario, draws and seed.

    Raises
    ------
    SegmentationError
        Whatever does not fit together.
    """
    with open_assignments(assignments, settings) as table:
        model = proved(registry, table.model_version)
        bound = bind(source, model.card)
        base = bases.load(table, bound, model.arrays)
        if customers_out is not None:
            ranking.require_plain_ids(table, customers_out)
        made = simulate(bound, base, draws, seed)
        ranked = ranking.rank(bound, base, made)
        result = summarise(
            bound,
            table,
            base,
            made,
            sensitivity(bound, base),
            ranking.curve(bound, base, made, ranked),
            seed,
        )
        if customers_out is not None:
            ranking.write(table, bound, base, ranked, customers_out)
    return result
