"""The statements of `sql/`, for a schema; parameters are `:named` there."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from campaigns.export.star import literal
from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def read(name: str, schema: str) -> list[str]:
    """The statements of a file.

    Parameters
    ----------
    name
        Without `.sql`.
    schema
        Where the tables are.

    Returns
    -------
    list of str
        Without comments and semicolons, in their order.
    """
    statements = (part.strip() for part in _text(name).split(";"))
    return [statement.replace("{schema}", f'"{schema}"') for statement in statements if statement]


def parameters(statement: str) -> set[str]:
    """Names of the parameters of a statement.

    Parameters
    ----------
    statement
        From `read`.

    Returns
    -------
    set of str
        Without the colon.
    """
    return set(_PARAMETER.findall(statement))


def for_psycopg(statement: str) -> str:
    """A statement as psycopg takes it.

    Parameters
    ----------
    statement
        From `read`.

    Returns
    -------
    str
        With `%(name)s` for `:name`.
    """
    return _PARAMETER.sub(r"%(\1)s", statement.replace("%", "%%"))


def bound(statement: str, values: Mapping[str, str | int]) -> str:
    """A statement with constants in place of its parameters.

    Parameters
    ----------
    statement
        From `read`.
    values
        By name: numbers, and text of our own making.

    Returns
    -------
    str
        To be sent as it is.
    """

    def constant(name: re.Match[str]) -> str:
        value = values[name[1]]
        return str(value) if isinstance(value, int) else literal(value)

    return _PARAMETER.sub(constant, statement)


def require_schema(name: str) -> str:
    """Check the name of a schema: one that every warehouse takes without quotes.

    Parameters
    ----------
    name
        As the user gave it.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ConfigurationError
        It is not such a name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a schema",
            hint="use small letters, digits and _, beginning with a letter, at most 63 of them",
        )
    return name


@cache
def _text(name: str) -> str:
    text = files("campaigns.export").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
