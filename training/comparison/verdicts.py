"""What the numbers of a division mean, in words, by rules that are written down once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segmentation.privacy import SMALLEST_GROUP
from training.comparison.quality import Quality

ONE_CLUSTER = 0.95
MOSTLY = 0.5
MANY = 20
STABLE = 0.65
STRUCTURE = ((0.25, "no substantial structure"), (0.5, "weak structure"), (0.7, "reasonable structure"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict is made of."""

    quality: Quality
    stability: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the verdict.

    Parameters
    ----------
    name
        The word that the verdict has for it.
    when
        For the documentation.
    says
        The words, or an empty text where it does not apply.
    last
        Whether the rules after it say nothing where it applies.
    """

    name: str
    when: str
    says: Callable[[Facts], str]
    last: bool = False


def _no_division(facts: Facts) -> str:
    found = facts.quality
    if found.n_clusters >= 2:
        return ""
    what = "one cluster and noise" if found.n_noise else "one cluster"
    return "no division: " + (what if found.n_clusters else "all is noise")


def _degenerate(facts: Facts) -> str:
    share = facts.quality.largest_share
    return f"degenerate: one cluster holds {share:.0%}" if share > ONE_CLUSTER else ""


def _mostly_noise(facts: Facts) -> str:
    covered = facts.quality.coverage
    return f"mostly noise: {covered:.0%} in clusters" if covered < MOSTLY else ""


def _fragments(facts: Facts) -> str:
    k = facts.quality.n_clusters
    return f"fragments: {k:,} clusters" if k > MANY else ""


def _small(facts: Facts) -> str:
    found = facts.quality
    return f"small: {found.small_clusters:,} of {found.n_clusters:,} clusters under {SMALLEST_GROUP}" * (
        found.small_clusters > 0
    )


def _unstable(facts: Facts) -> str:
    stable = facts.stability
    return f"unstable: {stable:.2f} between subsamples" if stable is not None and stable < STABLE else ""


def _structure(facts: Facts) -> str:
    measured = facts.quality.silhouette
    if measured is None:
        return ""
    return next((words for below, words in STRUCTURE if measured.value < below), "strong structure")


RULES = (
    Rule("no division", "fewer than two clusters; nothing else is said", _no_division, last=True),
    Rule("degenerate", f"one cluster holds more than {ONE_CLUSTER:.0%} of the customers in clusters", _degenerate),
    Rule("mostly noise", f"less than {MOSTLY:.0%} of the customers are in clusters", _mostly_noise),
    Rule("fragments", f"more than {MANY} clusters: no campaign tells so many apart", _fragments),
    Rule("small", f"clusters of fewer than {SMALLEST_GROUP} customers are among them", _small),
    Rule("unstable", f"stability under {STABLE} (Steinley 2004: poor recovery)", _unstable),
    Rule(
        "structure",
        "by the silhouette: under 0.25 none that is substantial, under 0.5 weak, under 0.7 reasonable, else strong "
        "(Kaufman and Rousseeuw 1990)",
        _structure,
    ),
)


def verdict(quality: Quality, stability: float | None) -> str:
    """What is to be held of a division.

    Parameters
    ----------
    quality, stability
        Its numbers.

    Returns
    -------
    str
        What each rule that applies says, in their order.

    References
    ----------
    Kaufman and Rousseeuw (1990), "Finding groups in data", for the words of the silhouette. Steinley (2004),
    "Properties of the Hubert-Arabie adjusted Rand index", for 0.65.
    """
    facts, said = Facts(quality, stability), []
    for rule in RULES:
        words = rule.says(facts)
        if words:
            said.append(words)
            if rule.last:
                break
    return "; ".join(said)
