"""Requests that the live model answers, made of what its card tells: medians of segments, and an invented history."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from segmentation.card import Card
from segmentation.segment import Segment

Json = dict[str, Any]

DIGITS = 3
"""Significant digits of a median: enough for an example."""


@dataclass(frozen=True, slots=True)
class Example:
    """A body of POST /predict that is answered with 200."""

    name: str
    summary: str
    body: Json


def examples(card: Card) -> tuple[Example, ...]:
    """Bodies in all forms that the model takes.

    Parameters
    ----------
    card
        Of the live model.

    Returns
    -------
    tuple of Example
        No real customer is among them.
    """
    largest, *others = sorted(card.segments, key=lambda segment: -segment.customers)
    one, other = _medians(card, largest), _medians(card, others[0])
    made = [Example("features", "One customer, by features", {"customer_id": "crm-1001", "features": one})]
    rows = _rows(card)
    if rows:
        made.append(Example(card.table, f"One customer, by {card.table}", {"customer_id": "crm-1002", **rows}))
    many = [{"customer_id": "crm-1001", "features": one}, {"customer_id": "crm-1003", "features": other}]
    columns = {name: [one[name], other[name]] for name in card.feature_names}
    return (
        *made,
        Example("customers", "Many customers", {"customers": many}),
        Example("columns", "Many, as columns", {"columns": columns, "customer_id": ["crm-1001", "crm-1003"]}),
    )


def _medians(card: Card, segment: Segment) -> dict[str, float]:
    rounded = {}
    for feature in card.features:
        median = segment.profile[feature.name].q50
        value = float(f"{median:.{DIGITS}g}")
        # Rounding must not carry it over the end of its range.
        inside = (feature.low is None or value >= feature.low) and (feature.high is None or value <= feature.high)
        rounded[feature.name] = value if inside else median
    return rounded


def _rows(card: Card) -> Json:
    newest = datetime.fromisoformat(card.as_of).replace(minute=0, second=0, microsecond=0)

    def before(days: int) -> str:
        return (newest - timedelta(days=days)).isoformat().replace("+00:00", "Z")

    if card.table == "orders":
        return {"orders": [_order("a-1", before, 62, "books", 2, 19.9), _order("a-2", before, 9, "toys", 1, 34.5)]}
    if card.table == "events":
        kinds = ("view", "view", "cart", "purchase", "view")
        return {
            "events": [
                {"event_type": kind, "occurred_at": before(12 - 2 * number), "product_id": "p-7",
                 "category": "phones", "brand": "acme", "price": 189.0, "session_id": f"s-{number // 2}"}
                for number, kind in enumerate(kinds)
            ]
        }  # fmt: skip
    return {}


def _order(name: str, before: Any, days: int, category: str, pieces: int, price: float) -> Json:
    return {
        "order_id": name, "ordered_at": before(days), "product_id": f"p-{days}", "category": category,
        "quantity": pieces, "unit_price": price, "freight_value": 7.5, "payment_value": round(pieces * price + 7.5, 2),
        "review_score": 4, "instalments": 1, "delivered_at": before(days - 4),
        "estimated_delivery_at": before(days - 6), "status": "delivered",
    }  # fmt: skip
