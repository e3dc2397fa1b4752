"""May this model take the place of the live one? A pure function of both cards and of both models on one day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from segmentation.card import Card
from segmentation.lineage import Check, Verdict
from training.paired import Paired
from training.relations import relations
from training.sections import Gate

SURELY = 2
"""Standard errors by which the silhouettes of both models must differ."""

SLACK = timedelta(days=7)
"""By how much the newest row may be older than the live model's: a delivery that lacks the last days is no old one."""

DEVIATIONS = 3
"""Of silhouettes without structure: above these it is no chance."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the gate looks at.

    Parameters
    ----------
    card
        Of the new model, whole but for the verdict.
    previous
        Card of the live model; None: absolute floors decide.
    silhouettes
        Both models on the same customers; None where the live one could not be asked, or no customer is clustered by
        both.
    moved
        Share of the customers whom the two put in different segments; None where the live one could not be asked.
    alike
        Of an imported model, whether these customers are like those that it was fitted on.
    """

    card: Card
    previous: Card | None = None
    silhouettes: Paired | None = None
    moved: float | None = None
    alike: Check | None = None


def judge(facts: Facts, limits: Gate) -> Verdict:
    """Let a model pass or not, with reasons.

    Parameters
    ----------
    facts
        See there.
    limits
        From the configuration.

    Returns
    -------
    Verdict
        Every check, passed or not.
    """
    card, previous = facts.card, facts.previous
    checks = [_structure(facts, limits), _smallest(card, limits), _stability(card, previous, limits)]
    if facts.alike is not None:
        checks.append(facts.alike)
    if previous is not None:
        checks += [
            _day(card, previous),
            _features(card, previous),
            _rows("customers", card.counts.customers, previous.counts.customers, limits),
            _rows("rows", card.counts.rows, previous.counts.rows, limits),
            _relations(card, previous, limits),
            _asked(card),
        ]
        if facts.silhouettes is not None:
            checks.append(_silhouette(facts.silhouettes, limits))
        if facts.moved is not None:
            checks.append(_moved(card, previous, facts.moved, limits))
    return Verdict(
        predecessor=None if previous is None else previous.version,
        passed=all(check.passed for check in checks),
        checks=tuple(checks),
    )


def _structure(facts: Facts, limits: Gate) -> Check:
    metrics = facts.card.metrics
    found, without = metrics.silhouette, metrics.unstructured
    says = f"silhouette {found:.3f}; customers without structure reach {without:.3f}"
    if limits.structure is None:
        return Check(name="structure", passed=True, value=found, limit=None, says=f"{says}; not asked for")
    limit = without + max(limits.structure, DEVIATIONS * metrics.unstructured_standard_deviation)
    selection = facts.card.selection
    if selection is not None and not selection.natural:
        return Check(name="structure", passed=False, value=found, limit=limit, says=f"{says}: {selection.why}")
    passed = found + SURELY * metrics.silhouette_standard_error >= limit
    says += "" if passed else f", and {limit:.3f} is asked: these segments divide customers, and separate nothing"
    return Check(name="structure", passed=passed, value=found, limit=limit, says=says)


def _smallest(card: Card, limits: Gate) -> Check:
    clustered = sum(segment.customers for segment in card.segments)
    smallest = min(card.segments, key=lambda segment: segment.customers)
    share = smallest.customers / clustered
    return Check(
        name="smallest-segment",
        passed=share >= limits.smallest_share,
        value=share,
        limit=limits.smallest_share,
        says=f"the smallest segment, {smallest.id}, has {share:.1%} of the customers clustered",
    )


def _stability(card: Card, previous: Card | None, limits: Gate) -> Check:
    """What a customer can expect on average: small segments weigh little."""
    found = _mean_stability(card)
    limit = limits.stability
    if previous is not None:
        limit = max(limit, _mean_stability(previous) - limits.stability_drop)
    weak = sorted(segment.id for segment in card.segments if segment.stability < limits.stability)
    says = f"on average a customer's segment keeps {found:.2f} of itself (Jaccard) when the model is refitted"
    if previous is not None:
        says += f"; the live model's {_mean_stability(previous):.2f}"
    if weak:
        says += f"; these dissolve: {', '.join(map(str, weak))}"
    return Check(name="stability", passed=found >= limit, value=found, limit=limit, says=says)


def _mean_stability(card: Card) -> float:
    sizes = np.array([segment.customers for segment in card.segments], dtype=np.float64)
    return float(np.average([segment.stability for segment in card.segments], weights=sizes))


def _day(card: Card, previous: Card) -> Check:
    passed = datetime.fromisoformat(card.as_of) >= datetime.fromisoformat(previous.as_of) - SLACK
    return Check(
        name="day",
        passed=passed,
        value=None,
        limit=None,
        says=f"as of {card.as_of}, the live model as of {previous.as_of}{'' if passed else ': it knows more'}",
    )


def _features(card: Card, previous: Card) -> Check:
    wanted = card.configuration.get("features") or ()
    # What the configuration no longer asks for is not lost.
    expected = [name for name in previous.feature_names if not wanted or name in wanted]
    lost = [name for name in expected if name not in card.feature_names]
    told = [f"{name} ({card.left_out.get(name, 'the data do not have it')})" for name in lost]
    return Check(
        name="features",
        passed=not lost,
        value=float(len(lost)),
        limit=0.0,
        says=f"lost: {'; '.join(told)}" if lost else f"all {len(expected)} of the live model are there",
    )


def _rows(name: str, now: int, before: int, limits: Gate) -> Check:
    kept = now / before
    return Check(
        name=name,
        passed=kept >= limits.fewest,
        value=kept,
        limit=limits.fewest,
        says=f"{now:,} {name}; the live model was made of {before:,}",
    )


def _relations(card: Card, previous: Card, limits: Gate) -> Check:
    names = [name for name in card.feature_names if name in previous.feature_names]
    lost, weakest = relations(
        names,
        _correlations(previous, names),
        _correlations(card, names),
        (_clustered(previous), _clustered(card)),
        limits.relations,
    )
    if lost:
        told = ", ".join(f"{each.feature} ({each.kept:.0%} ± {each.error:.0%} kept)" for each in lost)
        says = f"no longer goes with the other features as it did, as if it were shuffled: {told}"
    elif weakest is None:
        says = "no feature goes with another strongly enough to tell"
    else:
        says = f"features go with each other as before; {weakest.feature} keeps least, {weakest.kept:.0%}"
    return Check(
        name="relations",
        passed=not lost,
        value=lost[0].kept if lost else None if weakest is None else weakest.kept,
        limit=limits.relations,
        says=says,
    )


def _correlations(card: Card, names: list[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    at = [card.feature_names.index(name) for name in names]
    return np.array(card.rank_correlation, dtype=np.float64).reshape(len(card.features), -1)[np.ix_(at, at)]


def _clustered(card: Card) -> int:
    return sum(segment.customers for segment in card.segments)


def _asked(card: Card) -> Check:
    why = "" if card.lineage is None else card.lineage.why
    return Check(
        name="comparable",
        passed=not why,
        value=None,
        limit=None,
        says=f"the live model cannot be asked about these data: {why}" if why else "the live model was asked as well",
    )


def _silhouette(found: Paired, limits: Gate) -> Check:
    difference = found.new - found.old
    passed = difference + SURELY * found.standard_error >= -limits.silhouette_drop
    return Check(
        name="silhouette",
        passed=passed,
        value=difference,
        limit=-limits.silhouette_drop,
        says=f"{found.new:.3f}, the live model {found.old:.3f}, on the same {found.rows:,} customers "
        f"(difference {difference:+.3f} ± {found.standard_error:.3f})",
    )


def _moved(card: Card, previous: Card, moved: float, limits: Gate) -> Check:
    noise = max(card.refits.moved, previous.refits.moved)
    told = card.lineage.moved_by_model if card.lineage is not None else None
    told = moved if told is None else told
    return Check(
        name="moved",
        passed=moved <= max(limits.moved, limits.moved_noise * noise),
        # Decided by the exact share, told as the lineage tells it.
        value=told,
        limit=max(limits.moved, limits.moved_noise * noise),
        says=f"{told:.1%} of the customers would change segments on one day; refits of the same data move {noise:.1%}",
    )
