"""YAML into frozen dataclasses: unknown keys are refused with their line and the nearest match."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import yaml

from segmentation.errors import ConfigurationError, nearest


def read(file: Path) -> str:
    """The text of a YAML file.

    Parameters
    ----------
    file
        UTF-8.

    Returns
    -------
    str
        Its content.

    Raises
    ------
    ConfigurationError
        It cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}", hint="check its name") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text", hint="save it as UTF-8") from error


def parse(text: str, origin: str, kind: type, page: str) -> dict[str, Any]:
    """Check YAML against a dataclass.

    Parameters
    ----------
    text
        The YAML.
    origin
        Where it comes from, for errors.
    kind
        The dataclass that it must fit.
    page
        The page of the documentation that explains it.

    Returns
    -------
    dict
        The keys that it sets; empty for an empty text.

    Raises
    ------
    ConfigurationError
        It is not YAML, a key is unknown or stands twice, or a value does not fit.
    """
    node = None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        where = f"{origin}, line {error.problem_mark.line + 1}" if error.problem_mark else origin
        raise ConfigurationError(
            f"{where}: this is not YAML: {error.problem}", hint="check indentation, brackets and quotes"
        ) from error
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        # PyYAML lets its constructors' own errors through, for a date such as 2001-99-99.
        where = "" if node is None else _unreadable(node)
        raise ConfigurationError(
            f"{origin}{where} holds a value that YAML cannot read", hint="quote or mend it"
        ) from error
    content = {} if node is None else content
    if node is not None:
        _refuse_unknown(node, kind, origin, "")
    try:
        msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$.")
        path = path.removesuffix("`")
        if not path or node is None:
            told = said.replace("Object missing", "it lacks the")
            raise ConfigurationError(f"{origin}: {told}", hint=f"see {page}") from error
        where = f"{origin}, line {line_of(node, path.partition('[')[0].split('.'))}"
        raise ConfigurationError(f"{where}: {path}: {said}", hint=f"see {page}") from error
    return dict(content)


def line_of(node: yaml.Node, path: Sequence[str]) -> int:
    """The line on which a key's value begins.

    Parameters
    ----------
    node
        From `yaml.compose`.
    path
        Keys from the top.

    Returns
    -------
    int
        1 for the first line; of the innermost key that is there.
    """
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
    return int(node.start_mark.line) + 1


def _unreadable(node: yaml.Node) -> str:
    """Where the first value stands that looks like a date or a number and is none; empty where it is not found."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError, AttributeError):
            return f", line {node.start_mark.line + 1}"
        return ""
    inner = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
    return next((where for where in map(_unreadable, inner) if where), "")


def _refuse_unknown(node: yaml.Node, kind: Any, origin: str, path: str) -> None:
    """Walk the YAML beside the dataclasses, so that an unknown key is named with its line."""
    candidates = [kind, *get_args(kind)]
    many = next((candidate for candidate in candidates if get_origin(candidate) is tuple), None)
    target = next((candidate for candidate in candidates if is_dataclass(candidate)), None)
    if isinstance(node, yaml.SequenceNode) and many is not None:
        for item in node.value:
            _refuse_unknown(item, get_args(many)[0], origin, path)
    elif isinstance(node, yaml.MappingNode) and get_origin(kind) is dict:
        for key, value in node.value:
            _refuse_unknown(value, get_args(kind)[1], origin, f"{path}.{key.value}")
    elif isinstance(node, yaml.MappingNode) and target is not None:
        _refuse_unknown_keys(node, target, origin, path)
    elif target is not None and not _fits_another(node, candidates, target):
        names = ", ".join(field.name for field in fields(target))
        raise ConfigurationError(
            f"{origin}, line {node.start_mark.line + 1}: {path or 'the file'} holds no keys", hint=f"it takes {names}"
        )


def _fits_another(node: yaml.Node, candidates: Sequence[Any], target: Any) -> bool:
    """Whether a value that is no dataclass may be what else is allowed; of which type it is, is looked at later."""
    others = [candidate for candidate in candidates[1:] if candidate is not target]
    empty = node.tag == "tag:yaml.org,2002:null"
    return any((other is type(None)) == empty for other in others)


def _refuse_unknown_keys(node: yaml.MappingNode, target: Any, origin: str, path: str) -> None:
    types = get_type_hints(target)
    known = [field.name for field in fields(target)]
    seen: set[str] = set()
    for key, value in node.value:
        where, line = f"{path}.{key.value}".lstrip("."), key.start_mark.line + 1
        if key.value not in known:
            raise ConfigurationError(f"{origin}, line {line}: unknown key {where!r}", hint=nearest(key.value, known))
        if key.value in seen:
            raise ConfigurationError(f"{origin}, line {line}: {where!r} is set twice", hint="keep one of the two")
        seen.add(key.value)
        _refuse_unknown(value, types[key.value], origin, where)
