"""The YAML of --config as frozen dataclasses: presets below it, unknown keys refused with the nearest match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from segmentation import yaml_files
from segmentation.errors import ConfigurationError
from segmentation.recipe import Clustering, Preprocessing
from segmentation.rules import FIRST_ID, Condition
from training.comparison.configured import Comparison
from training.comparison.configured import refuse_senseless as refuse_senseless_comparison
from training.maintenance.configured import Maintenance
from training.sections import (
    Calibration,
    DeclaredSegment,
    Gate,
    Name,
    Refitting,
    Report,
    Retraining,
    Sample,
    SelectionLimits,
    Silhouette,
    Stability,
)
from training.sources.loaded import Action

PAGE = "docs/configuration.md"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the job does.

    Parameters
    ----------
    seed
        Of every random choice in the job.
    features
        Names out of the catalogue; empty: all whose columns the data have.
    redundant
        Rank correlation from which on the later of two features is left out; None: all stay.
    missing_values
        By feature, what customers get who lack it: mean, median or a number; others as the catalogue says.
    cleaning
        By rule, what happens to the rows it applies to; others as docs/cleaning.md says.
    minimum_history
        Orders or events that a customer needs to be clustered; auto: chosen by a stability curve.
    rule_segments
        Declared segments, asked in their order before the clustering, after the minimum history.
    segment_names
        By id, names instead of those by rule; see `training.naming`.
    report
        The page of pictures; None: it is not made.
    preprocessing, clustering, selection, refits, silhouette, stability, gate, comparison, drift, retraining,
    maintenance, sample
        See there.
    """

    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    features: tuple[str, ...] = ()
    redundant: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = 0.95
    missing_values: dict[str, float | Literal["mean", "median"]] = field(default_factory=dict)
    cleaning: dict[str, Action] = field(default_factory=dict)
    minimum_history: Annotated[int, msgspec.Meta(ge=1)] | Literal["auto"] = 1
    rule_segments: tuple[DeclaredSegment, ...] = ()
    segment_names: dict[Annotated[int, msgspec.Meta(ge=0)], Name] = field(default_factory=dict)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    clustering: Clustering = field(default_factory=Clustering)
    selection: SelectionLimits = field(default_factory=SelectionLimits)
    refits: Refitting = field(default_factory=Refitting)
    silhouette: Silhouette = field(default_factory=Silhouette)
    stability: Stability = field(default_factory=Stability)
    gate: Gate = field(default_factory=Gate)
    comparison: Comparison = field(default_factory=Comparison)
    drift: Calibration = field(default_factory=Calibration)
    retraining: Retraining = field(default_factory=Retraining)
    maintenance: Maintenance = field(default_factory=Maintenance)
    report: Report | None = field(default_factory=Report)
    sample: Sample = field(default_factory=Sample)


def load(source: str, file: Path | None = None, assignments: Sequence[str] = ()) -> Configuration:
    """The configuration of a run: the source's preset, what a file changes in it, and single keys set by hand.

    Parameters
    ----------
    source
        Name of the source; its preset is used where there is one.
    file
        YAML with any of the configuration's keys; or the name of a preset.
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
    merged = _preset(source) or {}
    if file is not None:
        # A file of that name comes first: whoever has one means it.
        named = None if file.exists() or len(file.parts) > 1 else _preset(file.name)
        merged = _merge(merged, _layer(yaml_files.read(file), str(file)) if named is None else named)
    for assignment in assignments:
        merged = _merge(merged, _assignment(assignment))
    configuration = msgspec.convert(merged, Configuration)
    _refuse_senseless(configuration)
    refuse_senseless_comparison(configuration.comparison)
    return configuration


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
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(configuration))
    return plain


def _refuse_senseless(configuration: Configuration) -> None:
    if configuration.selection.least > configuration.selection.most:
        raise ConfigurationError("selection: least is above most", hint=f"see {PAGE}")
    _refuse_alike(configuration)
    for segment in configuration.rule_segments:
        for condition in segment.when:
            _refuse_empty(segment, condition)


def _refuse_alike(configuration: Configuration) -> None:
    declared = configuration.rule_segments
    told: dict[str, list[str]] = {
        "id": [str(segment.id) for segment in declared],
        "name": [segment.name.strip().lower() for segment in declared],
    }
    for what, values in told.items():
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            raise ConfigurationError(
                f"rule_segments: two of them have the {what} {twice[0]}", hint="campaigns must tell them apart"
            )
    for id_ in configuration.segment_names:
        if id_ > FIRST_ID:
            raise ConfigurationError(
                f"segment_names: {id_} is declared in rule_segments", hint="name it there; each name has one place"
            )
    called = [*told["name"], *(name.strip().lower() for name in configuration.segment_names.values())]
    same = next((name for name in called if called.count(name) > 1), None)
    if same is not None:
        raise ConfigurationError(
            f"segment_names: two segments would be called {same!r}", hint="campaigns must tell them apart"
        )


def _refuse_empty(segment: DeclaredSegment, condition: Condition) -> None:
    low, high = condition.at_least, condition.below
    if not all(limit is None or isfinite(limit) for limit in (low, high)) or (low is None and high is None):
        raise ConfigurationError(
            f"rule_segments: {segment.name!r} needs at_least or below, as numbers, for {condition.feature}",
            hint=f"see {PAGE}",
        )
    if low is not None and high is not None and low >= high:
        raise ConfigurationError(
            f"rule_segments: no {condition.feature} is at least {low:g} and below {high:g}", hint=f"see {PAGE}"
        )


def _preset(name: str) -> dict[str, Any] | None:
    preset = resources.files("training").joinpath("presets", f"{name}.yaml")
    return _layer(preset.read_text(encoding="utf-8"), f"the preset {name}.yaml") if preset.is_file() else None


def _layer(text: str, origin: str) -> dict[str, Any]:
    """One layer of YAML, checked alone: every key has a default, so each layer is a whole configuration."""
    return yaml_files.parse(text, origin, Configuration, PAGE)


def _assignment(assignment: str) -> dict[str, Any]:
    path, sign, value = assignment.partition("=")
    if not sign or not path:
        raise ConfigurationError(f"{assignment!r} sets nothing", hint="write key.subkey=value, such as clustering.k=4")
    text = value
    for key in reversed(path.split(".")):
        text = f"{{{key}: {text}}}"
    return _layer(text, f"--set {path}")


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
