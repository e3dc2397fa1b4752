"""Which of our features the columns of a foreign Pipeline are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from segmentation.errors import ForeignPipelineError, nearest
from segmentation.features import Feature
from segmentation.recipe import Preprocessing
from training.configuration import Configuration
from training.importing.described import Described, flat

SCALERS = ("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler")


@dataclass(frozen=True, slots=True)
class Agreed:
    """A Pipeline's columns as features.

    Parameters
    ----------
    names
        Ours, in the Pipeline's order.
    theirs
        What the Pipeline calls them; None where it has no names.
    """

    names: tuple[str, ...]
    theirs: tuple[str | None, ...]

    def features(self, catalogue: Sequence[Feature]) -> tuple[Feature, ...]:
        """The features, in the Pipeline's order.

        Parameters
        ----------
        catalogue
            Those that can be made of the data.

        Returns
        -------
        tuple of Feature
            One per column.

        Raises
        ------
        ForeignPipelineError
            One is not there.
        """
        known = {feature.name: feature for feature in catalogue}
        for name, theirs in zip(self.names, self.theirs, strict=True):
            if name not in known:
                rename = f"; --rename '{theirs}=OURS' says which it is" if theirs is not None else ""
                raise ForeignPipelineError(
                    f"the Pipeline needs {name!r}, and these data have no feature of that name",
                    hint=nearest(name, list(known), "there are") + rename,
                )
        return tuple(known[name] for name in self.names)


def agree(described: Described, given: Sequence[str], renamed: Mapping[str, str]) -> Agreed:
    """Find out what the Pipeline's columns are.

    Parameters
    ----------
    described
        It may know names.
    given
        Ours, in the order of its columns; needed where it has no names, and checked against them where it has.
    renamed
        Ours, by its own names, where they differ.

    Returns
    -------
    Agreed
        One feature per column.

    Raises
    ------
    ForeignPipelineError
        There are too many names, too few, or others.
    """
    theirs = described.names
    if theirs is None:
        return _unnamed(described.width, given, renamed)
    for name in renamed:
        if name not in theirs:
            raise ForeignPipelineError(
                f"--rename: the Pipeline has no column {name!r}", hint=nearest(name, theirs, "it has")
            )
    names = tuple(renamed.get(name, name) for name in theirs)
    _refuse_twice(names)
    if given and tuple(given) != names:
        raise ForeignPipelineError(
            f"--features says {', '.join(given)}, and the Pipeline itself {', '.join(names)}",
            hint="leave --features out: it knows its columns; --rename 'THEIRS=OURS' where ours are called otherwise",
        )
    return Agreed(names, tuple(theirs))


def configured(configuration: Configuration, agreed: Agreed, described: Described) -> Configuration:
    """The configuration as it holds for an imported model.

    Parameters
    ----------
    configuration
        Of the run.
    agreed, described
        The Pipeline.

    Returns
    -------
    Configuration
        With its features and number of clusters; preprocessing says what it does.

    Raises
    ------
    ForeignPipelineError
        The configuration asks for other features.
    """
    asked = set(configuration.features)
    if asked and asked != set(agreed.names):
        theirs = set(agreed.names)
        wrong = min(asked ^ theirs)
        side, others = ("the configuration", theirs) if wrong in asked else ("the Pipeline", asked)
        raise ForeignPipelineError(
            f"the configuration's features are not the Pipeline's: only {side} has {wrong!r}",
            hint=f"{nearest(wrong, sorted(others), 'the other has')}; without `features` in the configuration, the "
            "Pipeline's are taken",
        )
    for declared in configuration.rule_segments:
        for condition in declared.when:
            if condition.feature not in agreed.names:
                raise ForeignPipelineError(
                    f"rule_segments: {declared.name!r} asks for {condition.feature!r}, which the Pipeline does not use",
                    hint=nearest(condition.feature, agreed.names, "it uses"),
                )
    if configuration.minimum_history == "auto":
        raise ForeignPipelineError(
            "minimum_history: auto is found by fits of our own, and this model is not fitted here",
            hint="give a number: --set minimum_history=1",
        )
    kinds = {step.kind for step in flat(described.pipeline)}
    kept = [sum(ratios) for ratios in _vectors(described, "explained_variance_ratio_")]
    return replace(
        configuration,
        features=agreed.names,
        redundant=None,
        preprocessing=Preprocessing(
            winsorise=None,
            log1p="log1p" in kinds,
            scale=bool(kinds & set(SCALERS)),
            variance_kept=min(1.0, prod(kept)) if kept else None,
        ),
        clustering=replace(configuration.clustering, k=len(next(_vectors(described, "cluster_centers_")))),
    )


def extremes(described: Described) -> bool:
    """Whether a Pipeline holds smallest or largest values of single customers.

    Parameters
    ----------
    described
        The Pipeline.

    Returns
    -------
    bool
        True with MinMaxScaler and MaxAbsScaler.
    """
    return any(step.kind in ("MinMaxScaler", "MaxAbsScaler") for step in flat(described.pipeline))


def _vectors(described: Described, name: str) -> Iterator[list[Any]]:
    for step in flat(described.pipeline):
        found = step.learned.get(name)
        if isinstance(found, list):
            yield found


def _unnamed(width: int | None, given: Sequence[str], renamed: Mapping[str, str]) -> Agreed:
    if renamed:
        raise ForeignPipelineError(
            "--rename: the Pipeline was fitted on an array, whose columns have no names",
            hint="say them by --features a,b,c, in their order",
        )
    columns = "some" if width is None else str(width)
    if not given:
        raise ForeignPipelineError(
            f"the Pipeline was fitted on an array of {columns} columns without names",
            hint="say which features they are: --features recency_days,frequency,…, in their order",
        )
    if width is not None and len(given) != width:
        raise ForeignPipelineError(
            f"--features names {len(given)}, and the Pipeline was fitted on {width} columns",
            hint="name each of them once, in their order",
        )
    _refuse_twice(given)
    return Agreed(tuple(given), (None,) * len(given))


def _refuse_twice(names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ForeignPipelineError(f"two columns would be {twice[0]!r}", hint="each feature is one column")
