"""What the model says of customers: of many at once, and of one several times faster."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import astuple

from segmentation import assignment
from segmentation.assignment import Assignment
from segmentation.histories import Moment
from segmentation.model import Model
from segmentation.rules import NO_RULE
from segmentation.segment import Segment
from service.decoding import Batch, Bodies
from service.drift.tally import Tally
from service.explain import Explanation


class SegmentName(msgspec.Struct, frozen=True, gc=False):
    """How a segment is called."""

    id: int
    name: str


class Prediction(msgspec.Struct, gc=False):
    """What the model says of one customer.

    A customer whom a rule segment takes is compared with no centre: confidence, distance and runner_up are null.

    Parameters
    ----------
    customer_id
        As sent; null where none was.
    segment
        The nearest segment, or that of the first rule that takes the customer.
    runner_up
        The second nearest segment.
    confidence
        1 - nearest / second nearest distance: 0 on the border between the two, 1 at the centre. Not a probability.
    distance
        To the segment's centre, in the model's scaled space.
    outlier
        Whether the customer is farther out than the third quartile plus three interquartile ranges of the segment's
        training customers.
    as_of
        The moment the customer was looked at from; for those sent with orders or events.
    explanation
        Where the request asked for it.
    """

    customer_id: str | int | None
    segment: SegmentName
    confidence: float | None
    distance: float | None
    outlier: bool
    runner_up: SegmentName | None
    as_of: Moment | msgspec.UnsetType = msgspec.UNSET
    explanation: Explanation | msgspec.UnsetType = msgspec.UNSET


class Predictions(msgspec.Struct):
    """The answer, in input order."""

    model_version: str
    predictions: list[Prediction]


def assign(model: Model, batch: Batch) -> list[Prediction]:
    """The model's answer for each customer.

    Parameters
    ----------
    model
        The model in use.
    batch
        Decoded customers.

    Returns
    -------
    list of Prediction
        In input order.
    """
    return describe(model, batch, assignment.assign(model.card, model.arrays, batch.features))


def describe(model: Model, batch: Batch, answer: Assignment, *, encoded: bool = False) -> list[Prediction]:
    """What the model said of each customer, in the words of its card.

    Parameters
    ----------
    model
        The model in use.
    batch
        Decoded customers.
    answer
        Of the model.
    encoded
        Whether the names of segments are JSON already, which takes a fifth off what follows for predictions that
        nobody but the encoder looks at.

    Returns
    -------
    list of Prediction
        In input order.
    """
    card = model.card
    names = np.empty(len(card.all_segments), dtype=object)
    for position, segment in enumerate(card.all_segments):
        name = SegmentName(segment.id, segment.name)
        names[position] = msgspec.Raw(msgspec.json.encode(name)) if encoded else name
    margin, distance = answer.margin.tolist(), answer.distance.tolist()
    runner_up: list[SegmentName | None] = names[answer.runner_up].tolist()
    for row in np.flatnonzero(answer.runner_up == NO_RULE).tolist():
        margin[row] = distance[row] = runner_up[row] = None
    columns = (
        batch.customer_ids,
        names[answer.segment].tolist(),
        margin,
        distance,
        outliers(model, answer).tolist(),
        runner_up,
    )
    if not any(batch.as_of):
        return list(map(Prediction, *columns))
    as_of = (msgspec.UNSET if moment is None else moment for moment in batch.as_of)
    return list(map(Prediction, *columns, as_of))


def outliers(model: Model, answer: Assignment) -> npt.NDArray[np.bool_]:
    """Which customers are far out in their segment.

    Parameters
    ----------
    model
        The model in use.
    answer
        Of the model.

    Returns
    -------
    ndarray
        bool, shape (n,).
    """
    fences = np.array(
        [segment.outlier_distance if isinstance(segment, Segment) else np.inf for segment in model.card.all_segments]
    )
    # NaN, of whom a rule took, is beyond nothing.
    return np.asarray(answer.distance > fences[answer.segment])


class Single:
    """One model's answers to single customers.

    Parameters
    ----------
    model
        The model in use.
    bodies
        Its types.
    """

    def __init__(self, model: Model, bodies: Bodies) -> None:
        self._decode = msgspec.json.Decoder(bodies.by_features).decode
        self._encode = msgspec.json.Encoder().encode
        self._assign = model.single.assign
        # What is the same in every answer is encoded once.
        self._head, self._tail = self._encode(Predictions(model.version, []))[:-2], b"]}\n"
        self._fills = [feature.fill for feature in model.card.features]
        segments = model.card.all_segments
        self._names: list[Any] = [
            msgspec.Raw(self._encode(SegmentName(segment.id, segment.name))) for segment in segments
        ]
        self._fences = [segment.outlier_distance if isinstance(segment, Segment) else 0.0 for segment in segments]

    def answer(self, content: bytes, tally: Tally) -> bytes | None:
        """The answer to a body, and the customer counted.

        Parameters
        ----------
        content
            The body.
        tally
            Of the model.

        Returns
        -------
        bytes or None
            What POST /predict answers; None for a body that is not one customer with features.
        """
        try:
            customer = self._decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        values, missing = astuple(customer.features), None
        if None in values:
            missing = values
            values = tuple(fill if value is None else value for value, fill in zip(values, self._fills, strict=True))
        position, other, distance, margin, residual = self._assign(values)
        name, outlier = self._names[position], False
        if other == NO_RULE:
            prediction = Prediction(customer.customer_id, name, None, None, False, None)
        else:
            outlier = distance > self._fences[position]
            prediction = Prediction(customer.customer_id, name, margin, distance, outlier, self._names[other])
        content = b"".join((self._head, self._encode(prediction), self._tail))
        tally.one(customer.customer_id, values, missing, position, distance, residual, outlier)
        return content
