"""From a catalogue to one query: a canonical table in, one row of features per customer out."""

from collections.abc import Collection, Mapping, Sequence

import ibis
import ibis.expr.types as ir

from segmentation.errors import ConfigurationError, nearest
from segmentation.features.feature import Feature
from segmentation.features.orders import per_order
from segmentation.tables import AS_OF, Kind, Table

IBIS_TYPES: dict[Kind, str] = {
    "text": "string",
    "time": "timestamp",
    "money": "decimal(18, 4)",
    "quantity": "decimal(12, 3)",
    "score": "decimal(7, 4)",
    "integer": "int32",
    "number": "float64",
}


def canonical(table: Table, name: str | None = None) -> ir.Table:
    """A canonical table with `as_of`, not bound to any database.

    Parameters
    ----------
    table
        Which.
    name
        Its name in the compiled SQL; None: the canonical one.

    Returns
    -------
    ir.Table
        An unbound table of the canonical schema.
    """
    return ibis.table(
        {column.name: IBIS_TYPES[column.kind] for column in (*table.columns, AS_OF)}, name=name or table.name
    )


def select(names: Sequence[str], catalogue: Sequence[Feature]) -> tuple[Feature, ...]:
    """The features of the given names, in the catalogue's order.

    Parameters
    ----------
    names
        Names of features; empty for the whole catalogue.
    catalogue
        What there is.

    Returns
    -------
    tuple of Feature
        In the catalogue's order, each once.

    Raises
    ------
    ConfigurationError
        A name is not in the catalogue.
    """
    known = [feature.name for feature in catalogue]
    for name in names:
        if name not in known:
            raise ConfigurationError(f"there is no feature {name!r}", hint=nearest(name, known, "there are"))
    return tuple(feature for feature in catalogue if not names or feature.name in names)


def available(features: Sequence[Feature], columns: Collection[str]) -> tuple[tuple[Feature, ...], dict[str, str]]:
    """Split features into those whose columns are present, and the others with the reason.

    Parameters
    ----------
    features
        The features asked for.
    columns
        Columns of the canonical table that the source fills.

    Returns
    -------
    tuple of Feature, dict of str to str
        The features that can be made; and, by name, why each of the others cannot.
    """
    missing = {feature.name: sorted(feature.needs - set(columns)) for feature in features}
    reasons = {name: f"the data have no {', '.join(absent)}" for name, absent in missing.items() if absent}
    return tuple(feature for feature in features if not missing[feature.name]), reasons


def customer_table(rows: ir.Table, table: Table, features: Sequence[Feature]) -> ir.Table:
    """One row of features per customer, as of each row's `as_of`.

    Parameters
    ----------
    rows
        A canonical table with `as_of`; rows of a moment after their `as_of` are left out.
    table
        Which canonical table it is.
    features
        What to compute, at least one.

    Returns
    -------
    ir.Table
        customer_id and one float64 column per feature, NULL where the customer lacks it. In no order.
    """
    names = [feature.name for feature in features]
    if table.moment is None:
        return rows.select("customer_id", *[feature.expression(rows).name(feature.name) for feature in features])
    known = rows.filter(rows[table.moment] <= rows.as_of)
    of_lines = {feature.name: feature.expression(known) for feature in features if feature.level == "line"}
    if table.name != "orders":
        return known.group_by("customer_id").agg(**of_lines).select("customer_id", *names)
    orders = per_order(known)
    of_orders = orders.group_by("customer_id").agg(
        **{feature.name: feature.expression(orders) for feature in features if feature.level == "order"}
    )
    if not of_lines:
        return of_orders.select("customer_id", *names)
    joined = of_orders.join(known.group_by("customer_id").agg(**of_lines), "customer_id")
    return joined.select("customer_id", *names)


def fill(customers: ir.Table, fills: Mapping[str, float]) -> ir.Table:
    """Give customers who lack a feature the frozen value that training chose for it, and order them by id.

    Parameters
    ----------
    customers
        customer_id and features, as `customer_table` makes it.
    fills
        By feature, the value for those who lack it; features that nobody lacks are absent.

    Returns
    -------
    ir.Table
        The same columns without NULL, ordered by customer_id.
    """
    columns = [
        customers[name].coalesce(fills[name]).name(name) if name in fills else customers[name]
        for name in customers.columns
    ]
    return customers.select(columns).order_by("customer_id")


def compile_sql(table: Table, features: Sequence[Feature], fills: Mapping[str, float]) -> str:
    """The feature definition as DuckDB SQL, to travel with the model.

    Parameters
    ----------
    table
        The canonical table that it reads.
    features
        The model's features, in its order.
    fills
        See `fill`.

    Returns
    -------
    str
        One SELECT over the canonical table with `as_of`; gives customer_id and the features.
    """
    sql = ibis.to_sql(fill(customer_table(canonical(table), table, features), fills), dialect="duckdb")
    return f"{sql}\n"
