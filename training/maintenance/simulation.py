"""History replayed: models of origins beside models of every later step, on the same customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from segmentation.clock import iso
from segmentation.features import available
from training import progress
from training.fills import with_missing
from training.maintenance import floor as floors
from training.maintenance.comparison import Aged, told
from training.maintenance.contract import contract
from training.maintenance.dates import Plan, history, plan
from training.maintenance.models import Recipe, fit, refuse_too_few
from training.maintenance.recipes import named, recipe_of
from training.maintenance.recommendation import first_below, recommend
from training.maintenance.replay import Replay
from training.maintenance.results import Origin, OriginSegment, Simulation
from training.maintenance.steps import replayed
from training.profiles import REVENUE

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from segmentation.features import Feature
    from training.configuration import Configuration
    from training.sources import Loaded


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """An origin: its model, what refits of it say, and its segments' names and shares."""

    aged: Aged
    agreements: floors.Agreements
    segments: tuple[OriginSegment, ...]


def simulate(
    database: Backend,
    loaded: Loaded,
    configuration: Configuration,
    *,
    origins: Sequence[datetime] = (),
    every: timedelta,
    threshold: float,
    until: datetime | None = None,
) -> Simulation:
    """Replay a source's history.

    Parameters
    ----------
    database, loaded
        The canonical table.
    configuration
        How models are made, `maintenance` included.
    origins
        Moments that models are made of, UTC; none: spread over the history.
    every
        From one step to the next.
    threshold
        ARI under which a model is too old, 0 to 1.
    until
        Later rows do not count, UTC; None: all do.

    Returns
    -------
    Simulation
        Of the same data the same.

    Raises
    ------
    InputError
        The data or the configuration do not go with this.
    """
    time = history(database, loaded, until)
    planned = plan(time, every, origins, configuration.maintenance.origins)
    recipe, left_out = recipe_of(database, loaded, configuration, planned.origins[0])
    with progress.step("numbering customers", database.con):
        replay = Replay(database, loaded, recipe.features, _worth(loaded, configuration))
    begun = [_begin(replay, recipe, origin, place, planned) for place, origin in enumerate(planned.origins, start=1)]
    floor = floors.together([each.agreements for each in begun]).told()
    points, refitting = replayed(replay, recipe, planned, [each.aged for each in begun], floor.ari_low)
    made = tuple(
        Origin(
            origin=iso(each.aged.origin),
            customers=len(each.aged.customers),
            segments=each.segments,
            noise_floor=each.agreements.told(),
            points=tuple(curve),
            first_below_days=first_below(
                [point.age_days for point in curve], [point.ari for point in curve], threshold
            ),
        )
        for each, curve in zip(begun, points, strict=True)
    )
    recommendation = recommend(made, floor, threshold, every.days)
    return Simulation(
        source=loaded.source,
        first=iso(time.first),
        last=iso(time.last),
        every_days=every.days,
        threshold=threshold,
        customers=configuration.maintenance.customers,
        features=tuple(feature.name for feature in recipe.features),
        left_out=left_out,
        k=recipe.k,
        refits=refitting,
        origins=made,
        noise_floor=floor,
        recommendation=recommendation,
        contract=contract(recommendation, configuration.maintenance),
    )


def _worth(loaded: Loaded, configuration: Configuration) -> Feature | None:
    known = [feature for feature in loaded.catalogue if feature.name in REVENUE]
    makeable, _ = available(known, loaded.columns)
    chosen = {name: value for name, value in configuration.missing_values.items() if name in REVENUE}
    return with_missing(makeable[:1], chosen)[0] if makeable else None


def _begin(replay: Replay, recipe: Recipe, origin: datetime, place: int, planned: Plan) -> Begun:
    with progress.step(f"origin {place} of {len(planned.origins)}, {origin:%Y-%m-%d}"):
        seen = replay.at(origin)
        rows = recipe.clustered(seen)
        refuse_too_few(seen, rows, recipe)
        features = seen.features[rows]
        model, labels = fit(features, recipe)
    with progress.step(f"noise floor of origin {place} of {len(planned.origins)}"):
        agreements = floors.refits(model, features, labels)
    shares = np.bincount(labels, minlength=recipe.k) / len(labels)
    segments = tuple(
        OriginSegment(name=name, share=told(share))
        for name, share in zip(named(model, features, labels), shares, strict=True)
    )
    return Begun(Aged(origin, model, seen.customers[rows], labels), agreements, segments)
