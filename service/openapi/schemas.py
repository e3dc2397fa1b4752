"""Types as JSON Schema (2020-12, as OpenAPI 3.1 has it): msgspec's own, described by the types' docstrings."""

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

Json = dict[str, Any]

_PARAMETERS = re.compile(r"\n+Parameters\n-+\n")
_ENTRY = re.compile(r"^(?P<names>\w+(?:, \w+)*)\n(?P<text>(?:[ ]{4}.*\n?|\n)+)", re.MULTILINE)


def schemas(types: Sequence[Any]) -> dict[str, Json]:
    """Schemas of types, and of all that they are made of.

    Parameters
    ----------
    types
        msgspec structs or dataclasses.

    Returns
    -------
    dict
        By name, as `components/schemas` holds them.
    """
    _, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return {name: _described(_readable(schema)) for name, schema in sorted(components.items())}


def describe_properties(schema: Json, descriptions: Mapping[str, str]) -> None:
    """Say what properties are.

    Parameters
    ----------
    schema
        Of an object; changed.
    descriptions
        By property; others stay as they are.
    """
    for name, described in schema["properties"].items():
        if name in descriptions:
            described["description"] = descriptions[name]


def reference(kind: Any) -> Json:
    """A reference to the schema of a type.

    Parameters
    ----------
    kind
        One of those given to `schemas`, or its name.

    Returns
    -------
    dict
        With `$ref` alone.
    """
    return {"$ref": f"#/components/schemas/{kind if isinstance(kind, str) else kind.__name__}"}


def _readable(schema: Any) -> Any:
    """The same without `items: false`, of which generators of clients make nothing; maxItems says it as well."""
    if isinstance(schema, list):
        return [_readable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    counted = "prefixItems" in schema and "maxItems" in schema
    return {
        key: _readable(value) for key, value in schema.items() if not (counted and key == "items" and value is False)
    }


def _described(schema: Json) -> Json:
    """A numpydoc docstring taken apart: the summary describes the object, entries describe its properties."""
    if "description" not in schema:
        return schema
    text = inspect.cleandoc(schema["description"]).replace("None", "null")
    summary, *rest = _PARAMETERS.split(text, maxsplit=1)
    described: Json = {**schema, "description": _line(summary)}
    told: dict[str, str] = {}
    for entry in _ENTRY.finditer(rest[0] + "\n" if rest else ""):
        line = _line(entry["text"])
        # "See X" and "As in X" lead a reader of the code on, not one of the page.
        if not line.startswith(("See `", "As in `")):
            told |= dict.fromkeys(entry["names"].split(", "), line)
    describe_properties(described, told)
    return described


def _line(text: str) -> str:
    return " ".join(text.split())
