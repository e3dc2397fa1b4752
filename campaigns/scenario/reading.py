"""The file of a scenario, or a preset: read, and checked as far as that takes no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import yaml

from campaigns.scenario.scenario import Discount, Scenario
from segmentation import yaml_files
from segmentation.errors import ConfigurationError, nearest

PAGE = "docs/scenarios.md"
PRESETS = "campaigns.presets"


@dataclass(frozen=True, slots=True)
class Source:
    """A scenario and the text it was read from, so that errors can say in which line.

    Parameters
    ----------
    origin
        The file, or the preset.
    text
        Its YAML.
    scenario
        What it says.
    """

    origin: str
    text: str
    scenario: Scenario

    def where(self, *path: str) -> str:
        """A key's place.

        Parameters
        ----------
        path
            Keys from the top.

        Returns
        -------
        str
            File, line and key.
        """
        node = yaml.compose(self.text, Loader=yaml.SafeLoader)
        line = 1 if node is None else yaml_files.line_of(node, path)
        return f"{self.origin}, line {line}: {'.'.join(path)}"


def load(given: str) -> Source:
    """Read a scenario.

    Parameters
    ----------
    given
        A YAML file, or the name of a preset; a file of that name comes first.

    Returns
    -------
    Source
        Of the right keys and types; that it fits a model is checked later.

    Raises
    ------
    ConfigurationError
        There is no such file or preset; a key is unknown, or a value is of the wrong type.
    """
    file = Path(given)
    # A folder of that name is what an earlier `--out` made.
    folder_beside = given in presets() and file.is_dir()
    if not folder_beside and (file.exists() or len(file.parts) != 1 or file.suffix):
        return parse(yaml_files.read(file), str(file))
    if given not in presets():
        raise ConfigurationError(
            f"there is no file and no preset {given!r}", hint=nearest(given, presets(), "the presets are")
        )
    text = (resources.files(PRESETS) / f"{given}.yaml").read_text(encoding="utf-8")
    return parse(text, f"preset {given}")


def parse(text: str, origin: str) -> Source:
    """Read a scenario out of text.

    Parameters
    ----------
    text
        YAML.
    origin
        Where it comes from, for errors.

    Returns
    -------
    Source
        See `load`.

    Raises
    ------
    ConfigurationError
        See `load`.
    """
    content = yaml_files.parse(text, origin, Scenario, PAGE)
    source = Source(origin, text, msgspec.convert(content, Scenario))
    _refuse_senseless(source)
    return source


def presets() -> Sequence[str]:
    """Names of the presets.

    Returns
    -------
    sequence of str
        Sorted.
    """
    names = (entry.name for entry in resources.files(PRESETS).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def as_plain(scenario: Scenario) -> dict[str, Any]:
    """The scenario as plain types, without what it leaves open.

    Parameters
    ----------
    scenario
        Any.

    Returns
    -------
    dict
        JSON types only.
    """
    plain: dict[str, Any] = _without_none(msgspec.json.decode(msgspec.json.encode(scenario)))
    return plain


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


def _refuse_senseless(source: Source) -> None:
    scenario = source.scenario
    if scenario.order is None and not scenario.changes:
        raise ConfigurationError(
            f"{source.origin}: a response does nothing", hint="give order, changes or both: what a customer then does"
        )
    if scenario.order is None and scenario.discount != Discount():
        raise ConfigurationError(
            f"{source.where('discount')}: there is no order to take it off", hint="give order, or leave discount out"
        )
    if scenario.order is not None:
        _refuse_unless(
            (scenario.order.basket.times_average is None) != (scenario.order.basket.amount is None),
            source.where("order", "basket"),
            "times_average or amount",
        )
    _refuse_unless(
        scenario.discount.share is None or scenario.discount.amount is None,
        source.where("discount"),
        "share or amount",
    )
    for change in scenario.changes:
        given = [value for value in (change.add, change.times, change.set, change.of_order) if value is not None]
        _refuse_unless(len(given) == 1, f"{source.where('changes')}: {change.feature}", "add, times, set or of_order")
    seen: set[str] = set()
    for change in scenario.changes:
        if change.feature in seen:
            raise ConfigurationError(
                f"{source.where('changes')}: {change.feature} is there twice", hint="keep one of the two"
            )
        seen.add(change.feature)


def _refuse_unless(condition: bool, where: str, choice: str) -> None:
    if not condition:
        raise ConfigurationError(f"{where} takes one of {choice}", hint=f"see {PAGE}")
