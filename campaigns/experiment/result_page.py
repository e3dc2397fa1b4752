"""What an experiment says, as one page to be mailed and kept."""

from __future__ import annotations

from campaigns.experiment import words
from campaigns.experiment.analysis import Analysis
from campaigns.experiment.plan import Plan
from campaigns.page import Page, Section, render
from campaigns.pictures import Picture


def result_page(plan: Plan, analysis: Analysis, picture: Picture) -> str:
    """Write the page.

    Parameters
    ----------
    plan
        That was followed.
    analysis
        What came of it.
    picture
        Of the effects.

    Returns
    -------
    str
        HTML.
    """
    experiment = plan.experiment
    sure = f"{100 * (1 - experiment.analysis.alpha):g} %"
    effects = Section(
        "effects",
        "What the arms did",
        f"Each line is a difference to {experiment.control} with its {sure} interval. Over all segments, each segment "
        "counts by its customers. Segments' p-values are corrected for their number: by Holm's procedure, "
        "the chance of even one false alarm among them is kept at the level; by Benjamini and Hochberg's, the share of "
        "false alarms among those that are told.",
        (
            words.effects_table(plan, analysis.pooled, "Over all segments"),
            words.effects_table(plan, analysis.segments, "By segment"),
        ),
        (picture,),
    )
    trust = Section(
        "trust",
        "Can it be believed?",
        " ".join(
            [
                f"Arms: {words.sample_ratio_words(analysis)}.",
                *(f"{line}." for line in words.heterogeneity_words(analysis, experiment.analysis.alpha)),
                f"Covariate: {words.covariate_words(plan, analysis)}.",
            ]
        ),
    )
    return render(
        Page(
            f"Result of {experiment.name}",
            (*analysis.notes, *(decision.says for decision in analysis.decisions)),
            (
                ("Window", f"{experiment.window.starts} to {experiment.window.ends}"),
                ("Members", f"{plan.members:,}"),
                ("Analysed", analysis.analysed_at),
                ("Model", plan.base.model_version),
                ("Plan", f"{analysis.plan[:16]}, of {plan.assigned_at}"),
            ),
            (effects, trust),
            "The plan was frozen before the first outcome; this page follows it.",
        )
    )
