"""What is declared of a clusterer, and the check of what a configuration sets of it. No scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from segmentation.errors import ConfigurationError, nearest

PAGE = "docs/algorithms.md"

Value = bool | int | float | str | None
"""Of a parameter."""

Form = Literal["exact", "sub-clusters", "sample"]
"""How labels came about: on all rows; by joining sub-clusters of all rows; on a sample, extended to the others."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an algorithm.

    Parameters
    ----------
    name
        As it is set in the configuration.
    default
        None: chosen from the data, as `help` says.
    help
        One line.
    grid
        What a search tries.
    low, high
        Limits of a number, both included.
    choices
        Of a word.
    whole
        Whether a number is a whole one.
    """

    name: str
    default: Value
    help: str
    grid: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    whole: bool = False

    def check(self, algorithm: str, value: Value) -> None:
        """Refuse a value that it does not take.

        Parameters
        ----------
        algorithm
            Whose parameter it is.
        value
            As configured.

        Raises
        ------
        ConfigurationError
            It is of another type, or out of range.
        """
        if value is None and self.default is None:
            return
        if self.choices:
            fits = value in self.choices
        else:
            fits = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
            if isinstance(value, int | float):
                fits = fits and isfinite(value) and (self.low is None or value >= self.low)
                fits = fits and (self.high is None or value <= self.high)
        if not fits:
            raise ConfigurationError(f"{algorithm}: {self.name} cannot be {value!r}", hint=f"{self.takes}; see {PAGE}")

    @property
    def takes(self) -> str:
        """What values it takes, in words."""
        if self.choices:
            said = f"one of {', '.join(self.choices)}"
        else:
            said = "a whole number" if self.whole else "a number"
            said += "" if self.low is None else f" from {self.low:g}"
            said += "" if self.high is None else f" to {self.high:g}"
        return said + (", or null" if self.default is None else "")


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A clusterer of the field, as it runs here.

    Parameters
    ----------
    name
        As in the configuration, on the command line and in the URL.
    title
        As in tables of the field.
    inductive
        Whether it can say the cluster of a row that it has not seen. Where not, labels beyond a sample are extended.
    takes_k
        Whether it is told the number of clusters (the model's k); others find their own.
    leaves_noise
        Whether rows may belong to no cluster.
    cost
        In n rows, p dimensions, k clusters.
    scaling
        What happens where there are more rows than it can take.
    exact_up_to
        Rows up to which it runs on all of them; None: any number.
    beyond
        The form that it has beyond these.
    working_bytes
        Most memory that it needs at once, bytes, for n rows, p dimensions, k clusters.
    parameters
        What can be set.
    """

    name: str
    title: str
    inductive: bool
    takes_k: bool
    leaves_noise: bool
    cost: str
    scaling: str
    exact_up_to: int | None
    beyond: Form
    working_bytes: Callable[[int, int, int], float]
    parameters: tuple[Parameter, ...] = ()

    @property
    def defaults(self) -> dict[str, Value]:
        """Parameters by name, as they are unless set."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    @property
    def grid(self) -> tuple[Mapping[str, Value], ...]:
        """What a search tries: every combination of the parameters' grids; one, empty, where there is no grid."""
        combinations: list[dict[str, Value]] = [{}]
        for parameter in self.parameters:
            if parameter.grid:
                combinations = [{**one, parameter.name: value} for one in combinations for value in parameter.grid]
        return tuple(combinations)

    def checked(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """The parameters with what is set of them.

        Parameters
        ----------
        given
            By name.

        Returns
        -------
        dict
            All of them, in the order declared.

        Raises
        ------
        ConfigurationError
            A name is unknown, or a value is not one that it takes.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name, value in given.items():
            if name not in known:
                raise ConfigurationError(
                    f"{self.name} has no parameter {name!r}", hint=nearest(name, list(known), "it has")
                )
            known[name].check(self.name, value)
        return self.defaults | dict(given)
