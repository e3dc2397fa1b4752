"""POST /predict?explain=true: what puts a customer into their segment."""

import msgspec
import numpy as np
from flask import request

from segmentation import assignment, explanation
from segmentation.errors import InvalidFieldError, nearest
from segmentation.model import Model
from segmentation.scoring import Floats
from segmentation.segment import RuleSegment
from service.errors import BodyTooLargeError

MOST_EXPLAINED = 1_000
"""Customers whom one request may ask explanations of: an explanation is twenty times as long as a prediction."""

PARAMETER = "explain"


class Contribution(msgspec.Struct, frozen=True):
    """What one feature does to tell the customer's segment from the runner-up.

    Parameters
    ----------
    feature
        Its name.
    contribution
        Its part of the difference: positive where it draws the customer to their segment, negative to the runner-up.
    value
        The customer's value; what stands for it, where they have none.
    segment_median
        Median of the training customers in the customer's segment.
    runner_up_median
        Median of the training customers in the runner-up.
    """

    feature: str
    contribution: float
    value: float
    segment_median: float
    runner_up_median: float


class HeldCondition(msgspec.Struct, frozen=True):
    """A condition of the segment's rule, which holds: at_least <= value < below.

    Parameters
    ----------
    feature
        Name of the feature that it asks for.
    at_least
        The least that it allows; null: it has no lower bound.
    below
        What it does not allow any more; null: it has no upper bound.
    value
        The customer's value.
    """

    feature: str
    at_least: float | None
    below: float | None
    value: float


class Explanation(msgspec.Struct, frozen=True):
    """Why a customer is in their segment: by distances, or by a rule.

    Parameters
    ----------
    difference
        Squared distance to the runner-up's centre minus squared distance to the own; null where a rule decided.
    contributions
        Of all features, by size; they sum to the difference. Empty where a rule decided.
    conditions
        Of the rule that decided; empty where distances did.
    """

    difference: float | None
    contributions: list[Contribution]
    conditions: list[HeldCondition]


def asked() -> bool:
    """Whether the request asks for explanations.

    Returns
    -------
    bool
        What `explain` says; False where it is not given.

    Raises
    ------
    InvalidFieldError
        It is neither true nor false, or there is another parameter.
    """
    if not request.query_string:
        return False
    for name in request.args:
        if name != PARAMETER:
            raise InvalidFieldError("there is an unknown query parameter", hint=nearest(name[:100], [PARAMETER]))
    given = request.args.getlist(PARAMETER)
    if given not in (["true"], ["false"]):
        raise InvalidFieldError(f"the query parameter {PARAMETER} is neither true nor false", hint="send it once")
    return given == ["true"]


def explain(model: Model, features: Floats) -> list[Explanation]:
    """Why each customer is in their segment.

    Parameters
    ----------
    model
        The model in use.
    features
        float64, shape (n, d), finite.

    Returns
    -------
    list of Explanation
        In input order.

    Raises
    ------
    BodyTooLargeError
        There are more customers than one answer explains.
    """
    if len(features) > MOST_EXPLAINED:
        raise BodyTooLargeError(
            f"{len(features)} customers are more than the {MOST_EXPLAINED} that can be explained at once",
            hint="split the request, or leave explain out",
        )
    card, arrays = model.card, model.arrays
    answer = assignment.assign(card, arrays, features)
    free = np.flatnonzero(answer.runner_up >= 0)
    separation = explanation.separate(card, arrays, features[free], answer.segment[free], answer.runner_up[free])
    medians = [[segment.profile[name].q50 for name in card.feature_names] for segment in card.segments]
    explanations: dict[int, Explanation] = {}
    for row, customer in enumerate(free.tolist()):
        told = [
            Contribution(*parts)
            for parts in zip(
                card.feature_names,
                separation.contributions[row].tolist(),
                features[customer].tolist(),
                medians[answer.segment[customer]],
                medians[answer.runner_up[customer]],
                strict=True,
            )
        ]
        told.sort(key=lambda each: -abs(each.contribution))
        explanations[customer] = Explanation(float(separation.difference[row]), told, [])
    return [
        explanations[customer] if customer in explanations else _by_rule(model, segment, features[customer])
        for customer, segment in enumerate(answer.segment.tolist())
    ]


def _by_rule(model: Model, segment: int, features: Floats) -> Explanation:
    rule = model.card.all_segments[segment]
    values = dict(zip(model.card.feature_names, features.tolist(), strict=True))
    held = rule.when if isinstance(rule, RuleSegment) else ()
    conditions = [HeldCondition(each.feature, each.at_least, each.below, values[each.feature]) for each in held]
    return Explanation(None, [], conditions)
