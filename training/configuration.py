"""The YAML of --config as frozen dataclasses: presets below it, unknown keys refused with the nearest match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
import yaml

from segmentation.errors import ConfigurationError, nearest
from segmentation.recipe import Clustering, Preprocessing


@dataclass(frozen=True, slots=True)
class Sample:
    """The generated shop of the source `sample`."""

    customers: Annotated[int, msgspec.Meta(ge=100, le=20_000_000)] = 6_000
    seed: Annotated[int, msgspec.Meta(ge=0)] = 7


@dataclass(frozen=True, slots=True)
class Silhouette:
    """How the silhouette is estimated: customers whose own silhouette is computed, against all the others."""

    rows: Annotated[int, msgspec.Meta(ge=100)] = 2_000


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the job does.

    Parameters
    ----------
    seed
        Of every random choice in the job.
    features
        Names out of the catalogue; empty: all whose columns the data have.
    preprocessing, clustering, silhouette, sample
        See there.
    """

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    features: tuple[str, ...] = ()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    clustering: Clustering = field(default_factory=Clustering)
    silhouette: Silhouette = field(default_factory=Silhouette)
    sample: Sample = field(default_factory=Sample)


def load(source: str, file: Path | None = None, assignments: Sequence[str] = ()) -> Configuration:
    """The configuration of a run: the source's preset, what a file changes in it, and single keys set by hand.

    Parameters
    ----------
    source
        Name of the source; its preset is used where there is one.
    file
        YAML with any of the configuration's keys.
    assignments
        `key.subkey=value`, values in YAML.

    Returns
    -------
    Configuration
        Complete.

    Raises
    ------
    ConfigurationError
        A file cannot be read, a key is unknown, or a value is of the wrong type or out of range.
    """
    preset = resources.files("training").joinpath("presets", f"{source}.yaml")
    merged: dict[str, Any] = {}
    if preset.is_file():
        merged = _parse(preset.read_text(encoding="utf-8"), f"the preset {source}.yaml")
    if file is not None:
        merged = _merge(merged, _parse(_read(file), str(file)))
    for assignment in assignments:
        merged = _merge(merged, _assignment(assignment))
    return msgspec.convert(merged, Configuration)


def as_plain(configuration: Configuration) -> dict[str, Any]:
    """The configuration as plain types, for the card.

    Parameters
    ----------
    configuration
        Complete.

    Returns
    -------
    dict
        JSON types only.
    """
    plain: dict[str, Any] = msgspec.to_builtins(configuration)
    return plain


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text", hint="save it as UTF-8") from error


def _parse(text: str, origin: str) -> dict[str, Any]:
    """One layer of YAML, checked alone: every key has a default, so each layer is a whole configuration."""
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
        raise ConfigurationError(f"{origin} holds a value that YAML cannot read", hint="quote or mend it") from error
    if node is None:
        return {}
    _refuse_unknown(node, Configuration, origin, "")
    try:
        msgspec.convert(content, Configuration)
    except msgspec.ValidationError as error:
        what, _, path = str(error).removesuffix("`").rpartition(" - at `$.")
        where = f"{origin}, line {_line_of(node, path.partition('[')[0].split('.'))}"
        raise ConfigurationError(f"{where}: {path}: {what}", hint="see docs/configuration.md") from error
    return dict(content)


def _line_of(node: yaml.Node, path: Sequence[str]) -> int:
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
    return int(node.start_mark.line) + 1


def _assignment(assignment: str) -> dict[str, Any]:
    path, sign, value = assignment.partition("=")
    if not sign or not path:
        raise ConfigurationError(f"{assignment!r} sets nothing", hint="write key.subkey=value, such as clustering.k=4")
    text = value
    for key in reversed(path.split(".")):
        text = f"{{{key}: {text}}}"
    return _parse(text, f"--set {path}")


def _refuse_unknown(node: yaml.Node, kind: Any, origin: str, path: str) -> None:
    """Walk the YAML beside the dataclasses, so that an unknown key is named with its line."""
    candidates = [kind, *get_args(kind)]
    target = next((candidate for candidate in candidates if is_dataclass(candidate)), None)
    if target is None:
        return
    if not isinstance(node, yaml.MappingNode):
        if node.tag == "tag:yaml.org,2002:null" and len(candidates) > 1:
            return
        names = ", ".join(field.name for field in fields(target))
        raise ConfigurationError(
            f"{origin}, line {node.start_mark.line + 1}: {path or 'the file'} holds no keys", hint=f"it takes {names}"
        )
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


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
