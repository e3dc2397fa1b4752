"""The block `comparison` of the configuration. No scikit-learn: it is read by every command."""

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from segmentation.errors import ConfigurationError
from training.algorithms import Budget, find

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""Of a feature set: it becomes part of file names."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How algorithms are compared, and which of them `run` stores with the model.

    Parameters
    ----------
    algorithms
        Whose scores and pictures `run` publishes; `compare` runs all unless told which.
    published_rows
        Rows above which `run` lets them work on a sample, so that training stays quick; `compare` goes up to each
        algorithm's own limit.
    parameters
        By algorithm, what is set of its parameters.
    feature_sets
        By name, features to make a model of and compare; an empty list: all features.
    megabytes
        Memory that one algorithm may take; what needs more has a form for many rows, or is refused.
    rows
        By algorithm, rows up to which it runs on all of them, and of the sample beyond; others as docs/algorithms.md
        says.
    stability_runs, stability_rows
        Runs on overlapping subsamples, and the common rows that these are drawn from; fewer than two runs: none.
    """

    algorithms: tuple[str, ...] = ("k-means", "spectral", "dbscan")
    published_rows: Annotated[int, Meta(ge=100)] = 20_000
    parameters: dict[str, dict[str, bool | int | float | str | None]] = field(default_factory=dict)
    feature_sets: dict[Name, tuple[str, ...]] = field(default_factory=dict)
    megabytes: Annotated[float, Meta(ge=1)] = 2_000
    rows: dict[str, Annotated[int, Meta(ge=10)]] = field(default_factory=dict)
    stability_runs: Annotated[int, Meta(ge=0, le=100)] = 4
    stability_rows: Annotated[int, Meta(ge=100, le=10_000)] = 10_000

    @property
    def budget(self) -> Budget:
        """What an algorithm may take in `compare`."""
        return Budget(megabytes=self.megabytes, rows=self.rows)


def refuse_senseless(comparison: Comparison) -> None:
    """Refuse what no algorithm is called, or does not take.

    Parameters
    ----------
    comparison
        As read.

    Raises
    ------
    ConfigurationError
        An algorithm or a parameter is unknown, a value is out of range, or an algorithm is named twice.
    """
    for name in (*comparison.algorithms, *comparison.rows):
        find(name)
    for name, given in comparison.parameters.items():
        find(name).checked(given)
    for name in comparison.algorithms:
        if comparison.algorithms.count(name) > 1:
            raise ConfigurationError(f"comparison.algorithms names {name} twice", hint="name it once")
