"""Two models that disagree on every customer, so that each answer shows which of them it was made with.

The contrary twin of a model has its features in the opposite order, its distances doubled, and other segment ids and
names. An answer in which a decoder, arrays, SQL or card of one met those of the other fits neither.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from segmentation import card as cards
from segmentation import scoring
from segmentation.card import Card
from segmentation.drift import Monitor
from segmentation.model import ARRAYS, NEEDED_TO_SERVE, SQL, Model, assemble
from service.decoding import Decoder, Limits
from service.predictions import assign
from training.bundle import Bundle

TWIN = "20970101T000000Z-00000000"
ID_SHIFT = 500
TOLERANCE = 1e-9

Json = dict[str, Any]


def contrary(made: Bundle, version: str = TWIN) -> Bundle:
    """The contrary twin, as an honest model of its own: it proves itself as every other does."""
    files = {name: content for name, content in made.files.items() if name in NEEDED_TO_SERVE}
    arrays = scoring.from_bytes(files[ARRAYS])
    files[ARRAYS] = scoring.to_bytes(
        scoring.Arrays(
            lower=arrays.lower[::-1],
            upper=arrays.upper[::-1],
            log_mask=arrays.log_mask[::-1],
            matrix=2 * arrays.matrix[::-1],
            offset=2 * arrays.offset,
            centroids=2 * arrays.centroids,
            residual_matrix=arrays.residual_matrix[::-1],
            residual_offset=arrays.residual_offset,
        )
    )
    card = made.card
    columns = ", ".join(f'"{name}"' for name in reversed(card.feature_names))
    files[SQL] = b"SELECT customer_id, %s FROM (%s)" % (columns.encode(), files[SQL].strip().rstrip(b";"))
    other = replace(
        card,
        version=version,
        features=card.features[::-1],
        rank_correlation=tuple(row[::-1] for row in card.rank_correlation[::-1]),
        segments=tuple(
            replace(
                segment,
                id=segment.id + ID_SHIFT,
                name=f"Contrary {segment.name}",
                outlier_distance=2 * segment.outlier_distance,
            )
            for segment in card.segments
        ),
        next_id=card.next_id + ID_SHIFT,
        drift=replace(card.drift, monitors=tuple(map(_shifted, card.drift.monitors))),
        golden_rows=tuple(
            replace(row, features=row.features[::-1], distance=_doubled(row.distance)) for row in card.golden_rows
        ),
        golden_histories=tuple(
            replace(row, features=row.features[::-1], distance=_doubled(row.distance)) for row in card.golden_histories
        ),
        files=cards.digests(files),
    )
    return Bundle(card=other, card_content=cards.encode(other), files=files)


def bodies(card: Card) -> list[Json]:
    """Requests of every kind: one customer and several, ready features, columns, raw orders."""
    rows = [dict(zip(card.feature_names, row.features, strict=True)) for row in card.golden_rows]
    histories = [
        {"customer_id": number, "orders": list(history.rows)} for number, history in enumerate(card.golden_histories)
    ]
    as_of = max(history.as_of for history in card.golden_histories)
    return [
        *({"features": row} for row in rows[:3]),
        {"customers": [{"customer_id": f"c{number}", "features": row} for number, row in enumerate(rows)]},
        {"columns": {name: [row[name] for row in rows] for name in card.feature_names}},
        {"customers": histories[:8], "as_of": as_of},
    ]


@dataclass(frozen=True)
class Expected:
    """What each model must say to each body."""

    answers: dict[str, list[list[Json]]]

    def wrong(self, number: int, answer: Json) -> str:
        """What is wrong with an answer to a body; empty where it is the one of the model that it names."""
        version = answer.get("model_version")
        if version not in self.answers:
            return f"an answer of {version}, which was never published"
        expected = self.answers[version][number]
        found = answer["predictions"]
        if len(found) != len(expected):
            return f"{len(found)} predictions for {len(expected)} customers"
        for position, (is_, should) in enumerate(zip(found, expected, strict=True)):
            if {**is_, **_NUMBERS} != {**should, **_NUMBERS} or not all(
                abs(is_[name] - should[name]) <= TOLERANCE * (1 + abs(should[name])) for name in _NUMBERS
            ):
                return f"{version} would not say this of customer {position} of body {number}"
        return ""


_NUMBERS = dict.fromkeys(("distance", "confidence"), None)


def expected(requests: list[Json], *models: Bundle) -> Expected:
    """Each model's answers, made by it alone in this process."""
    return Expected({model.version: [_answer(model, body) for body in requests] for model in map(_loaded, models)})


def _loaded(made: Bundle) -> Model:
    return assemble(made.card_content, {name: made.files[name] for name in NEEDED_TO_SERVE})


def _answer(model: Model, body: Json) -> list[Json]:
    decoder = Decoder(model.card, model.query, Limits(customers=10_000, orders=100_000))
    predictions = assign(model, decoder.decode(json.dumps(body).encode()))
    answer: list[Json] = json.loads(msgspec.json.encode(predictions))
    return answer


def _doubled(distance: float | None) -> float | None:
    return None if distance is None else 2 * distance


def _shifted(monitor: Monitor) -> Monitor:
    if monitor.kind == "distance":
        return replace(monitor, edges=tuple(2 * edge for edge in monitor.edges))
    if monitor.kind == "distance_within":
        name = f"distance:{int(monitor.name.removeprefix('distance:')) + ID_SHIFT}"
        return replace(monitor, name=name, edges=tuple(2 * edge for edge in monitor.edges))
    return monitor
