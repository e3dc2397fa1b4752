"""`python -m campaigns experiment design|assign|analyse`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from campaigns.options import ERR, OUT, Example, a_path, assignments_option
from segmentation import clock
from segmentation.settings import load as load_settings

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from campaigns.assignments import Assignments
    from campaigns.experiment.description import Experiment
    from campaigns.page import Table

experiment_option = click.option(
    "--experiment",
    "described",
    required=True,
    callback=a_path,
    metavar="FILE",
    help="YAML: arms, metric, window, level; see docs/experiments.md.",
)
history_option = click.option(
    "--history", callback=a_path, metavar="FILE", help="The metric before the window, in the form of the outcomes."
)
only_option = click.option(
    "--only", callback=a_path, metavar="FILE", help="Nobody else takes part: a file with a column customer_id."
)


@click.group()
def experiment() -> None:
    """Plan, draw and judge A/B tests on segments."""


@experiment.command(
    cls=Example,
    epilog="python -m campaigns experiment design --assignments segments.parquet --experiment free-shipping.yaml",
)
@assignments_option
@experiment_option
@history_option
@only_option
@click.option("--out", callback=a_path, metavar="DIR", help="Write design.json and design.png there.")
def design(assignments: Path, described: Path, history: Path | None, only: Path | None, out: Path | None) -> None:
    """Tell what an experiment can find, before anything is sent.

    For all segments together and for each: the smallest lift that is found with the wanted power, the power for the
    lift that would be worth having, how many customers that needs, and which segments are too small to be tested alone.
    """
    import msgspec

    from campaigns.assignments import open_assignments
    from campaigns.experiment import description
    from campaigns.experiment.base import take_in
    from campaigns.experiment.design import design as work_out
    from campaigns.experiment.words import design_table
    from segmentation.whole import write_all

    asked = description.load(described)
    with open_assignments(assignments, load_settings()) as base:
        looked = work_out(asked, take_in(base, asked, only, history))
    OUT.print(f"{asked.name}: {_lift_in_words(asked)}")
    _print(design_table(looked, asked.metric.kind))
    if asked.analysis.covariate:
        OUT.print("The covariate is not counted on: where it helps, the analysis finds smaller lifts than these.")
    if out is not None:
        from campaigns.experiment.pictures import design_picture

        content = msgspec.json.format(msgspec.json.encode(looked), indent=2) + b"\n"
        write_all(out, {"design.json": content, "design.png": design_picture(asked, looked).png})
        OUT.print(f"design.json and design.png are in {out}")


@experiment.command(
    cls=Example,
    epilog="python -m campaigns experiment assign --assignments segments.parquet --experiment free-shipping.yaml "
    "--out free-shipping",
)
@assignments_option
@experiment_option
@history_option
@only_option
@click.option("--out", required=True, callback=a_path, metavar="DIR", help="For plan and members; new, or empty.")
def assign(assignments: Path, described: Path, history: Path | None, only: Path | None, out: Path) -> None:
    """Draw the arms within segments, and freeze who is in them and how it will be judged.

    Arms are drawn by keyed hash (SEGMENTATION_CUSTOMER_KEY_FILE): the same base and name give the same arms.
    """
    from campaigns.assignments import open_assignments
    from campaigns.experiment import description
    from campaigns.experiment.base import take_in
    from campaigns.experiment.design import design as work_out
    from campaigns.experiment.membership import randomise
    from campaigns.experiment.plan import MEMBERSHIP, PLAN, Base, digest, freeze
    from segmentation import pseudonyms

    settings, now = load_settings(), clock.now()
    asked = description.load(described)
    keyed = pseudonyms.load(settings.customer_key_file, "the arms of experiments")
    with open_assignments(assignments, settings) as base:
        looked = work_out(asked, take_in(base, asked, only, history))
        _refuse_late(asked, base, now, out)
        randomise(base.connection, asked, keyed)
        plan, written = freeze(
            base.connection, asked, Base(model_version=base.model_version, as_of=clock.iso(base.as_of)), looked,
            clock.iso(now), out,
        )  # fmt: skip
    for segment in plan.segments:
        sizes = ", ".join(f"{arm} {segment.members.get(arm, 0):,}" for arm in asked.arms)
        OUT.print(f"{segment.name}: {sizes}{'' if segment.alone else '; too small to be tested alone'}")
    OUT.print(f"plan {digest(plan)[:16]}: note it down; the result names the plan that it followed")
    told = f"{PLAN} and {MEMBERSHIP} are in {out}"
    OUT.print(told if written else f"{told} already, as they would be written now; nothing was changed")


@experiment.command(
    cls=Example,
    epilog="python -m campaigns experiment analyse --plan free-shipping --outcomes orders.parquet --out result",
)
@click.option("--plan", "folder", required=True, callback=a_path, metavar="DIR", help="What `experiment assign` wrote.")
@click.option("--outcomes", required=True, callback=a_path, metavar="FILE", help="As the plan's metric says.")
@click.option("--out", callback=a_path, metavar="DIR", help="Write analysis.json, effects.png and a page there.")
@click.option("--peek", is_flag=True, help="Look before the planned end; the result says so, and decides nothing.")
@click.option("--despite-mismatch", is_flag=True, help="Go on although arms have wrong sizes; decides nothing.")
def analyse(folder: Path, outcomes: Path, out: Path | None, peek: bool, despite_mismatch: bool) -> None:
    """Judge an experiment by its plan.

    Sizes of the arms first, then the effect over all segments, then whether segments differ, then each of those that
    the plan says are large enough, corrected for their number (Holm; Benjamini-Hochberg).
    """
    import msgspec

    from campaigns.assignments import open_duckdb
    from campaigns.experiment import membership, words
    from campaigns.experiment.analysis import analyse as judge
    from campaigns.experiment.analysis import days_early
    from campaigns.experiment.cells import aggregate
    from campaigns.experiment.coverage import require_arms, require_end
    from campaigns.experiment.outcomes import read_outcomes
    from campaigns.experiment.plan import MEMBERSHIP, read_plan
    from segmentation.whole import write_all

    now = clock.now()
    plan = read_plan(folder)
    early = days_early(plan, now, peek=peek)
    asked = plan.experiment
    with open_duckdb(load_settings()) as connection:
        membership.read(connection, folder / MEMBERSHIP)
        read = read_outcomes(connection, outcomes, asked.metric, asked.window, tuple(asked.arms))
        require_arms(connection, outcomes, asked)
        if not peek:
            require_end(connection, outcomes, asked)
        cells, adjustments = aggregate(connection, covariate=asked.analysis.covariate is not None)
    found = judge(plan, read, cells, adjustments, now, early=early, peek=peek, despite_mismatch=despite_mismatch)
    if out is not None:
        from campaigns.experiment.pictures import effects_picture
        from campaigns.experiment.result_page import result_page

        content = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
        picture = effects_picture(plan, found)
        page = result_page(plan, found, picture).encode()
        write_all(out, {"analysis.json": content, "effects.png": picture.png, "result.html": page})
    for note in found.notes:
        ERR.print(note, style="bold")
    OUT.print(f"Plan: {found.plan[:16]}, of {plan.assigned_at}")
    OUT.print(f"Arms: {words.sample_ratio_words(found)}")
    OUT.print(f"Covariate: {words.covariate_words(plan, found)}")
    _print(words.effects_table(plan, found.pooled, "Over all segments", brief=True))
    for line in words.heterogeneity_words(found, asked.analysis.alpha):
        OUT.print(line)
    _print(words.effects_table(plan, found.segments, "By segment", brief=True))
    for decision in found.decisions:
        OUT.print(f"{decision.outcome}: {decision.says}")
    if out is not None:
        OUT.print(f"analysis.json, effects.png and result.html are in {out}")


def _refuse_late(asked: Experiment, base: Assignments, now: datetime, out: Path) -> None:
    """Who draws arms or looks at customers when outcomes are there already has seen some of them."""
    from datetime import timedelta

    from campaigns.errors import ExperimentError
    from campaigns.experiment.plan import PLAN

    starts = asked.window.bounds[0]
    first_day_over = starts + timedelta(days=1)
    if base.as_of >= first_day_over:
        raise ExperimentError(
            f"{base.file.name} looks at customers as of {base.as_of:%Y-%m-%d}, after the window started on "
            f"{asked.window.starts}",
            hint="segments and covariate must be from before it: assign with --as-of, or start later",
        )
    if now >= first_day_over and not (out / PLAN).exists():
        raise ExperimentError(
            f"the window started on {asked.window.starts}: it is too late to draw arms",
            hint="a plan is made before the first outcome; set a window that starts today or later",
        )


def _lift_in_words(asked: Experiment) -> str:
    metric, rules = asked.metric, asked.analysis
    return (
        f"a lift of {metric.smallest_lift * 100:g} % is to be found with {rules.power * 100:g} % power "
        f"at a level of {rules.alpha * 100:g} %"
    )


def _print(table: Table) -> None:
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(title=table.caption, title_justify="left", box=None, pad_edge=False)
    for at, heading in enumerate(table.headings):
        shown.add_column(heading, justify="right" if at in table.numbers else "left", no_wrap=at > 0)
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    OUT.print(shown)
