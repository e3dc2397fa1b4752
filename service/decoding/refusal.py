"""A body that was refused, gone through again: all that is wrong with it, up to a hundred places.

The strict decode stops at the first thing it cannot take. Only then the body is decoded into plain objects, and each
part is held against the same types, so that both passes mean the same.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from segmentation.errors import Fault, InvalidFieldError, RequestError, nearest
from segmentation.tables import TABLES
from service.decoding import rules
from service.decoding.bodies import Bodies
from service.decoding.rules import INVALID
from service.errors import BodyTooLargeError, MalformedBodyError

MOST_FAULTS = 100

NAME_LENGTH = 100
"""A name may be as long as the body: what is looked for and told is its beginning."""

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


def refusal(content: bytes, first: Exception, bodies: Bodies) -> RequestError:
    """Why a body is refused.

    Parameters
    ----------
    content
        The body.
    first
        What the strict decode or a rule said; the answer where nothing else is found, as with a field given twice, of
        which only the first is wrong.
    bodies
        The types.

    Returns
    -------
    RequestError
        To be raised: malformed, too large, or with what is wrong in it.
    """
    try:
        document = _plain(content)
    except RequestError as error:
        return error
    except msgspec.ValidationError:
        document = None
    too_large = None if document is None else _too_large(document, bodies)
    if too_large is not None:
        return too_large
    found = [] if document is None else list(islice(_all(document, bodies), MOST_FAULTS + 1))
    if found:
        return told(found)
    if isinstance(first, RequestError):
        return first
    located = _PLACE.match(str(first))
    what, path = (located["what"], located["path"] or "") if located else ("it is not what it should be", "")
    pointer = "".join(f"/{escaped(name or number)}" for name, number in _STEP.findall(path))
    return told([Fault(what, pointer, _hint(what, pointer))])


def told(found: Sequence[Fault]) -> InvalidFieldError:
    """What is wrong with a body, as one error.

    Parameters
    ----------
    found
        At least one; of more than a hundred the first are told.

    Returns
    -------
    InvalidFieldError
        To be raised.
    """
    first = found[0]
    if len(found) == 1:
        return InvalidFieldError(first.message, hint=first.hint, pointer=first.pointer)
    number = f"more than {MOST_FAULTS}" if len(found) > MOST_FAULTS else str(len(found))
    return InvalidFieldError(
        f"{number} places of the body are wrong; the first: {first.message}",
        hint=first.hint,
        faults=found[:MOST_FAULTS],
    )


def escaped(step: str) -> str:
    """A step of a JSON pointer.

    Parameters
    ----------
    step
        Name of a field.

    Returns
    -------
    str
        Its beginning, escaped as RFC 6901 says.
    """
    return step[:NAME_LENGTH].replace("~", "~0").replace("/", "~1")


def _plain(content: bytes) -> Any:
    try:
        try:
            return msgspec.json.decode(content)
        except msgspec.ValidationError:
            # A number like 1e999: taken as infinity here, and refused where it stands.
            return msgspec.json.Decoder(float_hook=float).decode(content)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = str(error) if isinstance(error, msgspec.DecodeError) else "it is not UTF-8"
        if isinstance(error, RecursionError):
            said = "it is nested too deeply"
        raise MalformedBodyError(f"the body is not JSON: {said}", hint="send one JSON object in UTF-8") from error


def _too_large(document: Any, bodies: Bodies) -> BodyTooLargeError | None:
    if not isinstance(document, dict):
        return None
    limits, table = bodies.limits, bodies.table
    customers, columns = document.get("customers"), document.get("columns")
    if isinstance(customers, list) and len(customers) > limits.customers:
        return too_many_customers(len(customers), limits.customers, "/customers")
    for name, column in columns.items() if isinstance(columns, dict) else ():
        if isinstance(column, list) and len(column) > limits.customers:
            return too_many_customers(len(column), limits.customers, f"/columns/{escaped(name)}")
    ids = document.get("customer_id")
    if isinstance(ids, list) and len(ids) > limits.customers:
        return too_many_customers(len(ids), limits.customers, "/customer_id")
    if table is None:
        return None
    lines = 0
    listed = enumerate(customers) if isinstance(customers, list) else ()
    for pointer, customer in (("", document), *((f"/customers/{number}", each) for number, each in listed)):
        rows = customer.get(table.name) if isinstance(customer, dict) else None
        lines += len(rows) if isinstance(rows, list) else 0
        if lines > limits.orders:
            return too_many_rows(bodies, f"{pointer}/{table.name}")
    return None


def too_many_customers(found: int, limit: int, pointer: str) -> BodyTooLargeError:
    """More customers than one request may ask for.

    Parameters
    ----------
    found, limit, pointer
        How many there are, may be, and where.

    Returns
    -------
    BodyTooLargeError
        To be raised.
    """
    return BodyTooLargeError(
        f"{found} customers are more than {limit}",
        hint="split the request; for a whole base run `python -m training assign`",
        pointer=pointer,
    )


def too_many_rows(bodies: Bodies, pointer: str) -> BodyTooLargeError:
    """More raw rows than one request may hold.

    Parameters
    ----------
    bodies, pointer
        The types, and where the first is that is too many.

    Returns
    -------
    BodyTooLargeError
        To be raised.
    """
    rows = "rows" if bodies.table is None else bodies.table.rows
    return BodyTooLargeError(f"more than {bodies.limits.orders} {rows}", hint="split the request", pointer=pointer)


def _all(document: Any, bodies: Bodies) -> Iterator[Fault]:
    if not isinstance(document, dict):
        yield from _of_type(document, bodies.body, "")
        return
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(bodies.body)}
    yield from _unknown(document, bodies.body, "")
    parts: dict[str, Any] = {}
    for name in fields.keys() & document.keys():
        parts[name] = yield from _part(document[name], fields[name], f"/{name}")
    known = {name: parts[name] for name in fields if name in parts}
    if known or len(document) == 0:
        yield from rules.faults(bodies.body(**known), bodies)


def _part(value: Any, kind: Any, pointer: str) -> Generator[Fault, None, Any]:
    """A part of the body as its type has it, or `INVALID`; lists item by item, so that the good ones are looked at."""
    if pointer == "/customers" and isinstance(value, list) and value:
        (item,) = get_args(_chosen(kind, value))
        items = []
        for number, each in enumerate(value):
            items.append((yield from _whole(each, item, f"{pointer}/{number}")))
        return items
    return (yield from _whole(value, kind, pointer))


def _whole(value: Any, kind: Any, pointer: str) -> Generator[Fault, None, Any]:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        yield from _of_type(value, kind, pointer)
        return INVALID


def _of_type(value: Any, kind: Any, pointer: str) -> Iterator[Fault]:
    """What is wrong with a value, down to its parts."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said = str(error)
    else:
        return
    kind = _chosen(kind, value)
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _unknown(value, kind, pointer)
        for field in msgspec.structs.fields(kind):
            name = field.encode_name
            if name in value:
                yield from _of_type(value[name], field.type, f"{pointer}/{name}")
            elif field.required:
                yield Fault(f"required field {name!r} is missing", f"{pointer}/{name}", _missing(field.type))
    elif isinstance(value, list) and get_origin(kind) is list:
        if not value:
            yield Fault("the list is empty", pointer, "send at least one")
        (item,) = get_args(kind)
        for number, each in enumerate(value):
            yield from _of_type(each, item, f"{pointer}/{number}")
    else:
        yield Fault(said.partition(" - at `")[0], pointer, _hint(said, pointer))


def _chosen(kind: Any, value: Any) -> Any:
    """Of the types that a field may have, the one that a value is meant to be."""
    if get_origin(kind) is Annotated:
        return _chosen(get_args(kind)[0], value)
    if get_origin(kind) in (Union, UnionType):
        for each in get_args(kind):
            bare = _chosen(each, value)
            if isinstance(value, list) and get_origin(bare) is list:
                return bare
            if isinstance(value, dict) and isinstance(bare, type) and issubclass(bare, msgspec.Struct):
                return bare
    return kind


def _unknown(value: dict[str, Any], kind: Any, pointer: str) -> Iterator[Fault]:
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    for name in value:
        if name not in known:
            shown = name[:NAME_LENGTH]
            # Orders for a model of events are no misspelling.
            other_table = shown in TABLES and "customer_id" in known
            hint = (
                f"features of this model are not made of {shown}; it takes {', '.join(known)}"
                if other_table
                else nearest(shown, known, "there are")
            )
            yield Fault("unknown field", f"{pointer}/{escaped(name)}", hint)


def _missing(kind: Any) -> str:
    lackable = get_origin(kind) in (Union, UnionType) and type(None) in get_args(kind)
    return "send it; null if there is none" if lackable else "send it"


def _hint(said: str, pointer: str) -> str:
    if "datetime" in said:
        return "write dates as RFC 3339 says, such as 2018-06-01T10:00:00Z"
    if "/customer_id" in pointer:
        return "send text of up to 512 characters or an integer, or leave it out"
    if any(f"/{name}" in pointer for name in TABLES):
        return "GET /openapi.json and docs/http.md describe the fields of orders and events"
    if "/features/" in pointer or "/columns/" in pointer:
        return "see GET /model for the features and their ranges"
    return "GET /openapi.json and docs/http.md describe what a body looks like"
