"""The steps of a replay: at each the newest model, and beside it those of all origins before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from segmentation.scoring import Floats
from training import progress
from training.maintenance.comparison import Aged, Newest, agreement, compare, told
from training.maintenance.dates import Plan
from training.maintenance.models import Model, Recipe, carried, fit
from training.maintenance.replay import Ints, Replay
from training.maintenance.results import Point, Refitting

SURE_FLOOR, NO_DIFFERENCE = 0.95, 0.005
"""Warm starts need refits of the same data that agree so well, and must change no ARI by more."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The latest model of a replay, and whom it put where: what the next refit begins from."""

    model: Model
    customers: Ints
    labels: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A date, and the customers of it whom no rule takes."""

    date: datetime
    customers: Ints
    features: Floats
    worth: Floats | None


def replayed(
    replay: Replay, recipe: Recipe, planned: Plan, origins: Sequence[Aged], floor: float
) -> tuple[list[list[Point]], Refitting]:
    """Take all steps.

    Parameters
    ----------
    replay
        Where the customers are.
    recipe
        Of all models.
    planned
        The dates.
    origins
        The models that age, ascending.
    floor
        The bound that nine in ten refits of the same data are above: warm starts need 0.95.

    Returns
    -------
    tuple
        The points of each origin; and how the later models were fitted.
    """
    if not recipe.configuration.maintenance.warm_starts:
        why = "every refit has its restarts: warm_starts is off"
    elif floor < SURE_FLOOR:
        why = f"every refit has its restarts: the noise floor, {floor:.3f}, is under {SURE_FLOOR}"
    else:
        points, differences = _warm(replay, recipe, planned, origins)
        largest = max(differences)
        if largest <= NO_DIFFERENCE:
            why = f"each refit begins from the one before: the noise floor, {floor:.3f}, is {SURE_FLOOR} or more"
            return points, Refitting(
                warm_starts=True, why=why, compared=len(differences), largest_difference=told(largest)
            )
        why = f"every refit has its restarts: a warm start changed an ARI by {largest:.3f}"
    points = [[] for _ in origins]
    for step in _steps(replay, recipe, planned):
        _compare(points, origins, planned, step, _full(step, recipe, origins))
    return points, Refitting(warm_starts=False, why=why)


def refit(features: Floats, customers: Ints, before: Chain, recipe: Recipe) -> Chain:
    """Make the next model from the one before.

    Parameters
    ----------
    features, customers
        Of the date, whom no rule takes; float64, shape (n, d), and their numbers.
    before
        The model before.
    recipe
        Of both.

    Returns
    -------
    Chain
        The next one.
    """
    model, labels = fit(features, recipe, start=carried(before.labels, before.customers, customers))
    return Chain(model, customers, labels)


def _warm(
    replay: Replay, recipe: Recipe, planned: Plan, origins: Sequence[Aged]
) -> tuple[list[list[Point]], list[float]]:
    """Points by warm starts, and how far full refits differ; it ends where one differs too much."""
    points: list[list[Point]] = [[] for _ in origins]
    checked = {planned.dates[0], planned.dates[len(planned.dates) // 2], planned.dates[-1]}
    differences = []
    chain = Chain(origins[0].model, origins[0].customers, origins[0].labels)
    for step in _steps(replay, recipe, planned):
        chain = refit(step.features, step.customers, chain, recipe)
        if step.date in checked:
            full = _full(step, recipe, origins).labels
            differences.append(_difference(step, chain.labels, full, origins, planned))
            if differences[-1] > NO_DIFFERENCE:
                break
        _compare(points, origins, planned, step, chain)
    return points, differences


def _steps(replay: Replay, recipe: Recipe, planned: Plan) -> Iterator[_Step]:
    for place, date in enumerate(planned.dates, start=1):
        with progress.step(f"step {place} of {len(planned.dates)}, {date:%Y-%m-%d}"):
            seen = replay.at(date)
            rows = recipe.clustered(seen)
            every = bool(rows.all())
            yield _Step(
                date,
                seen.customers if every else seen.customers[rows],
                seen.features if every else seen.features[rows],
                seen.worth if every or seen.worth is None else seen.worth[rows],
            )


def _full(step: _Step, recipe: Recipe, origins: Sequence[Aged]) -> Chain:
    """A refit with restarts; an origin's model is one already."""
    made = next((aged for aged in origins if aged.origin == step.date), None)
    if made is not None:
        return Chain(made.model, made.customers, made.labels)
    model, labels = fit(step.features, recipe)
    return Chain(model, step.customers, labels)


def _compare(points: list[list[Point]], origins: Sequence[Aged], planned: Plan, step: _Step, now: Chain) -> None:
    settings = now.model.recipe.configuration
    newest = Newest(now.model, now.model.space(step.features), now.labels)
    for curve, aged in zip(points, origins, strict=True):
        if planned.is_step(aged.origin, step.date):
            curve.append(
                compare(
                    aged,
                    step.date,
                    step.customers,
                    step.features,
                    step.worth,
                    newest,
                    only_known=settings.maintenance.customers == "origin",
                    seed=settings.seed,
                )
            )


def _difference(step: _Step, warm: Ints, full: Ints, origins: Sequence[Aged], planned: Plan) -> float:
    """How far the ARIs with two models of the date differ, at most."""
    found = [0.0]
    for aged in origins:
        if planned.is_step(aged.origin, step.date):
            then, k = aged.model.labels(step.features), aged.model.recipe.k
            found.append(abs(agreement(then, warm, k) - agreement(then, full, k)))
    return max(found)
