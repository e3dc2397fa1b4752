"""What types cannot say of a body: which fields go together, how long columns are, from when to when dates are."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET

from segmentation.errors import Fault
from segmentation.tables import EARLIEST, LATEST, Table
from service.decoding.bodies import Bodies

INVALID: Any = object()
"""Stands in a body for a part that is not of its type, and about which everything is said already."""


def faults(body: Any, bodies: Bodies) -> Iterator[Fault]:
    """What is wrong with a body whose parts are of their types.

    Parameters
    ----------
    body
        Of the type `bodies.body`; parts may be `INVALID`. Moments in its rows are brought to UTC on the way.
    bodies
        The types.

    Yields
    ------
    Fault
        In the order of the body.
    """
    given = [name for name in bodies.choices if getattr(body, name) is not UNSET]
    if len(given) != 1:
        yield Fault(
            f"the body has {' and '.join(given) or 'no customers'}",
            "",
            f"send exactly one of {', '.join(bodies.choices)}",
        )
        return
    if body.as_of is not UNSET and body.as_of is not INVALID:
        yield from _range(body.as_of, "/as_of")
    if given == ["columns"]:
        yield from _column_faults(body, bodies)
        return
    if isinstance(body.customer_id, list) or (body.customer_id is not None and given == ["customers"]):
        yield Fault(
            "customer_id does not fit the rest of the body",
            "/customer_id",
            "a list goes with columns; in customers each has its own",
        )
    if given != ["customers"]:
        yield from _customer_faults([body], body.as_of, bodies, "")
    elif body.customers is not INVALID:
        yield from _customer_faults(body.customers, body.as_of, bodies, "/customers/")


def rows_of(customer: Any, table: Table | None) -> Any:
    """The raw rows of a customer.

    Parameters
    ----------
    customer
        Of the type `Bodies.customer` or `Bodies.body`.
    table
        What they are rows of.

    Returns
    -------
    list or UNSET
        UNSET where there are none.
    """
    return UNSET if table is None else getattr(customer, table.name)


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one without an offset is taken to be.

    Parameters
    ----------
    moment
        Any.

    Returns
    -------
    datetime
        The same moment.

    Raises
    ------
    OverflowError
        It is within a day of the end of the calendar.
    """
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _customer_faults(customers: Sequence[Any], as_of: Any, bodies: Bodies, base: str) -> Iterator[Fault]:
    table = bodies.table
    raw = False
    for position, customer in enumerate(customers):
        if customer is INVALID:
            # Whether it has rows is not known: nothing is said about as_of.
            raw = True
            continue
        rows = rows_of(customer, table)
        if (customer.features is UNSET) == (rows is UNSET):
            pointer = f"{base}{position}" if base else ""
            yield Fault(f"a customer needs {' or '.join(bodies.ways)}", pointer, "send one of them")
        elif table is not None and rows is not UNSET:
            raw = True
            if rows is not INVALID:
                yield from _moment_faults(table, rows, f"{base}{position}/{table.name}" if base else f"/{table.name}")
    if as_of is not UNSET and not raw:
        yield _misplaced_as_of()


def _column_faults(body: Any, bodies: Bodies) -> Iterator[Fault]:
    if body.as_of is not UNSET:
        yield _misplaced_as_of()
    if body.columns is INVALID:
        return
    height = len(getattr(body.columns, bodies.names[0]))
    for name in bodies.names:
        length = len(getattr(body.columns, name))
        if length != height:
            yield Fault(
                f"columns are of different length: {length} here, {height} in {bodies.names[0]}",
                f"/columns/{name}",
                "columns must be of one length",
            )
    ids = body.customer_id
    if ids is not None and ids is not INVALID and (not isinstance(ids, list) or len(ids) != height):
        yield Fault(f"customer_id must be a list of {height}", "/customer_id", "one id per row")


def _moment_faults(table: Table, rows: Sequence[Any], pointer: str) -> Iterator[Fault]:
    for number, row in enumerate(rows):
        for name in table.times:
            moment = getattr(row, name)
            if moment is None:
                continue
            wrong = _outside(moment)
            if wrong:
                yield from _range(moment, f"{pointer}/{number}/{name}")
            elif moment.tzinfo is not UTC:
                setattr(row, name, in_utc(moment))


def _range(moment: datetime, pointer: str) -> Iterator[Fault]:
    if _outside(moment):
        yield Fault(f"the date is not between {EARLIEST:%Y} and {LATEST:%Y}", pointer, "check the date")


def _outside(moment: datetime) -> bool:
    # Compared before it is converted: 9999-12-31T23:59:59-23:59 has no counterpart in UTC.
    return not EARLIEST <= (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment) <= LATEST


def _misplaced_as_of() -> Fault:
    return Fault("as_of goes with orders or events", "/as_of", "features are what they are; leave as_of out")
