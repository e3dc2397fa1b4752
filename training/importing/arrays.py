"""Arrays out of a pickle, without numpy's own `__setstate__`, which trusts its input: a bent state crashes it."""

import pickle
import re
from math import prod
from typing import Any, Literal

import numpy as np

CODE = re.compile(r"b1|[iu][1248]|f[248]|O8?|[US]\d{1,4}")
"""Types that arrays and numbers in a Pipeline have."""


class Ndarray:
    """Stands where numpy.ndarray is asked for: files only hand it on to `reconstruct`."""


class Unfinished:
    """What becomes something else once its state is known."""

    finished: Any = None


class Dtype(Unfinished):
    """A type of numbers.

    Parameters
    ----------
    code
        Such as `f8`.
    """

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or not CODE.fullmatch(code):
            raise pickle.UnpicklingError("a type that no Pipeline has")
        self.code = code

    def __setstate__(self, state: Any) -> None:
        order, nested = state[1], state[2:5]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in nested):
            raise pickle.UnpicklingError("a type that no Pipeline has")
        self.finished = np.dtype(self.code).newbyteorder(order)


class Blank(Unfinished):
    """An array to be."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        order: Literal["C", "F"] = "F" if fortran else "C"
        if isinstance(dtype, np.dtype) and dtype.hasobject:
            array = np.empty(prod(_shape(shape)), dtype=object)
            if not isinstance(content, list) or len(content) != len(array):
                raise pickle.UnpicklingError("an array of another length")
            array[:] = content
            self.finished = array.reshape(shape, order=order)
        else:
            self.finished = frombuffer(content, dtype, shape, order)


def reconstruct(*_: object) -> Blank:
    """What numpy writes first of an array; its type, shape and content follow.

    Returns
    -------
    Blank
        Until they do.
    """
    return Blank()


def frombuffer(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray[Any, Any]:
    """An array of its bytes.

    Parameters
    ----------
    content, dtype, shape, order
        As numpy writes them.

    Returns
    -------
    ndarray
        A copy, in this machine's order of bytes.

    Raises
    ------
    pickle.UnpicklingError
        They do not fit each other.
    """
    if not isinstance(dtype, np.dtype) or dtype.hasobject or order not in ("C", "F"):
        raise pickle.UnpicklingError("an array of no numbers")
    raw = bytes(memoryview(content))
    if len(raw) != prod(_shape(shape)) * dtype.itemsize:
        raise pickle.UnpicklingError("an array of another length")
    return np.frombuffer(raw, dtype).reshape(shape, order=order).astype(dtype.newbyteorder("="))


def scalar(dtype: Any, content: Any) -> Any:
    """A number of its bytes.

    Parameters
    ----------
    dtype, content
        As numpy writes them.

    Returns
    -------
    numpy.generic
        The number.
    """
    return frombuffer(content, dtype, (1,), "C")[0]


def no_bytes() -> bytes:
    """How early protocols write bytes of which there are none.

    Returns
    -------
    bytes
        Empty.
    """
    return b""


def finish(unpickler: Any) -> None:
    """After a state was set: what is unfinished no longer becomes what it is, wherever the file remembers it.

    Parameters
    ----------
    unpickler
        One of Python's own.
    """
    top = unpickler.stack[-1]
    if not isinstance(top, Unfinished):
        return
    unpickler.stack[-1] = top.finished
    for key in [key for key, value in unpickler.memo.items() if value is top]:
        unpickler.memo[key] = top.finished


def _shape(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or len(shape) > 2 or not all(type(side) is int and side >= 0 for side in shape):
        raise pickle.UnpicklingError("an array of a strange shape")
    return shape
