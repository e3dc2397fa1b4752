"""What the columns between two steps of a Pipeline are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from segmentation.errors import ForeignPipelineError
from segmentation.scoring import Floats


@dataclass(frozen=True, slots=True)
class Input:
    """A feature as it is brought into the affine map.

    Parameters
    ----------
    feature
        Its position.
    lower, upper
        What it is clipped to.
    log1p
        Whether log(1 + x) is taken then.
    """

    feature: int
    lower: float = -np.inf
    upper: float = np.inf
    log1p: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What p columns are made of: inputs @ matrix + offset.

    Parameters
    ----------
    inputs
        Features, each possibly several times, treated in different ways.
    matrix, offset
        float64, shapes (number of inputs, p) and (p,).
    """

    inputs: tuple[Input, ...]
    matrix: Floats
    offset: Floats

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.offset)

    def affine(self, name: str, factor: Floats, shift: Floats) -> State:
        """After an affine step.

        Parameters
        ----------
        name
            Of the step.
        factor
            A matrix, shape (p, q), or a number for each column, shape (p,).
        shift
            What is added then.

        Returns
        -------
        State
            Of the new columns.

        Raises
        ------
        ForeignPipelineError
            The step is for another number of columns.
        """
        if factor.shape[0] != self.width or shift.shape != factor.shape[-1:]:
            raise of_another_width(name, factor.shape[0], self.width)
        if factor.ndim == 1:
            return replace(self, matrix=self.matrix * factor, offset=self.offset * factor + shift)
        return replace(self, matrix=self.matrix @ factor, offset=self.offset @ factor + shift)

    def plain(self, column: int) -> int | None:
        """Which input a column is.

        Parameters
        ----------
        column
            Its position.

        Returns
        -------
        int or None
            Position of the input; None where the column is computed of inputs.
        """
        used = np.flatnonzero(self.matrix[:, column])
        same = len(used) == 1 and self.matrix[used[0], column] == 1 and self.offset[column] == 0
        return int(used[0]) if same else None

    def treated(self, name: str, treat: Callable[[Input, int], Input]) -> State:
        """After a step that treats every column for itself; possible only for those that are inputs still.

        Parameters
        ----------
        name
            Of the step.
        treat
            An input and the column's position to the input as it enters from now on.

        Returns
        -------
        State
            Of the same columns.

        Raises
        ------
        ForeignPipelineError
            A column is computed of inputs already.
        """
        inputs, matrix = list(self.inputs), np.zeros((len(self.inputs) + self.width, self.width))
        for column in range(self.width):
            at = self.plain(column)
            if at is None:
                raise ForeignPipelineError(
                    f"step {name!r} comes after scaling or PCA, where arrays cannot express it",
                    hint="log1p and clip must be the first steps: fit such a Pipeline, and dump it",
                )
            matrix[len(inputs), column] = 1
            inputs.append(treat(self.inputs[at], column))
        return State(tuple(inputs), matrix, np.zeros(self.width))

    def some(self, columns: list[int]) -> State:
        """Some of the columns.

        Parameters
        ----------
        columns
            Their positions.

        Returns
        -------
        State
            Of these alone, in that order.
        """
        return replace(self, matrix=self.matrix[:, columns], offset=self.offset[columns])


def beside(states: list[State]) -> State:
    """Columns beside each other.

    Parameters
    ----------
    states
        At least one.

    Returns
    -------
    State
        Of all of their columns.
    """
    inputs = tuple(dict.fromkeys(each for state in states for each in state.inputs))
    place = {each: number for number, each in enumerate(inputs)}
    matrix, start = np.zeros((len(inputs), sum(state.width for state in states))), 0
    for state in states:
        for row, each in enumerate(state.inputs):
            # The same input may stand more than once: what it weighs adds up.
            matrix[place[each], start : start + state.width] += state.matrix[row]
        start += state.width
    return State(inputs, matrix, np.concatenate([state.offset for state in states]))


def of_another_width(name: str, has: int, wanted: int) -> ForeignPipelineError:
    """The complaint of a step that was fitted on another number of columns.

    Parameters
    ----------
    name
        Of the step.
    has, wanted
        Numbers of columns.

    Returns
    -------
    ForeignPipelineError
        To raise.
    """
    return ForeignPipelineError(
        f"step {name!r} was fitted on {has} columns and gets {wanted}",
        hint="fit the whole Pipeline at once, and dump it then",
    )
