"""What a body may look like, as msgspec types made of the live model's features: for the decoder and for OpenAPI."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from segmentation.card import Card, CardFeature
from segmentation.histories import Moment, row_type
from segmentation.tables import Table

LARGEST = 1e12
"""No feature is larger; beyond it distances would overflow."""

CustomerId = Annotated[str, Meta(min_length=1, max_length=512)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Limits:
    """Most customers, and most order lines or events, in one request."""

    customers: int
    orders: int


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """The types of one model's bodies.

    Parameters
    ----------
    features, columns, customer
        Structs of one customer's features, of many customers' features as columns, and of a customer in a list.
    row
        Struct of an order line or event; None for a model of customer tables.
    body
        All forms of a body in one struct, of which exactly one must be there.
    decoded
        The same but for columns, whose numbers may be any: their ranges are looked at in all of them at once, at a
        tenth of what it costs while they are decoded.
    forms, listed
        The forms of a body apart, and those of a customer in a list, as they are documented, made of the same parts.
    names
        Of the features, in the model's order.
    table
        Raw rows are rows of it; None for a model of customer tables.
    limits
        How much one request may ask.
    """

    features: Any
    columns: Any
    customer: Any
    row: Any
    body: Any
    decoded: Any
    forms: tuple[Any, ...]
    listed: tuple[Any, ...]
    names: tuple[str, ...]
    table: Table | None
    limits: Limits

    @property
    def by_features(self) -> Any:
        """The form of a body that most have: one customer, sent with features."""
        return self.forms[0]

    @property
    def ways(self) -> tuple[str, ...]:
        """Fields of a customer, one of which says what is known of them."""
        return ("features",) if self.table is None else ("features", self.table.name)

    @property
    def choices(self) -> tuple[str, ...]:
        """Fields of a body, exactly one of which it must have."""
        return ("customers", *self.ways, "columns")


def bodies(card: Card, table: Table | None, limits: Limits) -> Bodies:
    """Make the types of a model's bodies.

    Parameters
    ----------
    card
        The model's features: names, ranges, what null stands for.
    table
        What features are made of; None for a model of customer tables.
    limits
        How much one request may ask.

    Returns
    -------
    Bodies
        The types.
    """
    values = {feature.name: _value(feature) for feature in card.features}
    numbers = {feature.name: float if feature.fill is None else float | None for feature in card.features}
    many = Meta(min_length=1, max_length=limits.customers)
    features = _struct("Features", **values)
    columns, unranged = (
        _struct("Columns", **{name: Annotated[list[value], many] for name, value in kinds.items()})  # type: ignore[valid-type]
        for kinds in (values, numbers)
    )
    identity: dict[str, Any] = {"customer_id": (CustomerId | None, None)}
    moment: dict[str, Any] = {"as_of": (Moment | UnsetType, UNSET)}
    row, rows = None, {}
    if table is not None:
        row = row_type(table)
        rows = {table.name: Annotated[list[row], Meta(min_length=1, max_length=limits.orders)]}  # type: ignore[valid-type]
    either = {name: (kind | UnsetType, UNSET) for name, kind in ({"features": features} | rows).items()}
    customer = _struct("Customer", **identity, **either)
    customers = Annotated[list[customer], many]  # type: ignore[valid-type]
    ids = Annotated[list[CustomerId], many]
    body, decoded = (
        _struct(
            "Body",
            customers=(customers | UnsetType, UNSET),
            columns=(kind | UnsetType, UNSET),
            customer_id=(CustomerId | ids | None, None),
            **moment,
            **either,
        )
        for kind in (columns, unranged)
    )
    forms = [_struct("CustomerByFeatures", **identity, features=features)]
    listed = forms[:]
    if table is not None:
        name = f"CustomerBy{table.name.capitalize()}"
        forms.append(_struct(name, **identity, **rows, **moment))
        listed.append(_struct(f"Listed{name}", **identity, **rows))
    forms.append(_struct("Customers", customers=customers, **moment if table is not None else {}))
    forms.append(_struct("CustomersByColumn", columns=columns, customer_id=(ids | None, None)))
    return Bodies(
        features=features,
        columns=columns,
        customer=customer,
        row=row,
        body=body,
        decoded=decoded,
        forms=tuple(forms),
        listed=tuple(listed),
        names=card.feature_names,
        table=table,
        limits=limits,
    )


def _struct(name: str, **fields: Any) -> Any:
    """A struct that takes these fields alone: a type, or a type and its default."""
    listed = [(key, *kind) if isinstance(kind, tuple) else (key, kind) for key, kind in fields.items()]
    # Values of JSON refer to nothing that refers back: there is nothing for the collector to find in tens of thousands.
    return msgspec.defstruct(name, listed, kw_only=True, forbid_unknown_fields=True, gc=False)


def valid(feature: CardFeature) -> tuple[float, float]:
    """The range of a feature in requests.

    Parameters
    ----------
    feature
        Of the card.

    Returns
    -------
    tuple of float
        The lowest and the highest value that is accepted.
    """
    return -LARGEST if feature.low is None else feature.low, LARGEST if feature.high is None else feature.high


def _value(feature: CardFeature) -> Any:
    low, high = valid(feature)
    number = Annotated[float, Meta(ge=low, le=high)]
    return number if feature.fill is None else number | None
