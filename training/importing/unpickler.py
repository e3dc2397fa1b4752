"""Reads a pickle or joblib file and builds nothing but what a Pipeline consists of; all else becomes an inert stranger.

The pickle module's own advice on restricting globals: `find_class` decides, before anything of the file runs. Whatever
it does not know is replaced by a class that takes any arguments and any state, and does nothing with them, so that a
file can be read to its end and be told what is wrong with it.
"""

import bz2
import lzma
import pickle
import re
import zlib
from importlib import import_module
from io import BytesIO
from typing import Any

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

from training.importing import arrays

SKLEARN = {
    "sklearn.pipeline": ("Pipeline",),
    "sklearn.preprocessing._data": ("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler"),
    "sklearn.preprocessing._function_transformer": ("FunctionTransformer",),
    "sklearn.compose._column_transformer": ("ColumnTransformer", "_RemainderColsList"),
    "sklearn.decomposition._pca": ("PCA",),
    "sklearn.cluster._kmeans": ("KMeans", "MiniBatchKMeans"),
}
FUNCTIONS = {"numpy": ("log1p", "expm1", "clip")}
BUILTINS = {
    "builtins": ("slice", "object", "bytearray"),
    "copyreg": ("_reconstructor",),
    "collections": ("OrderedDict",),
}
ALLOWED = {
    (module, name) for known in (SKLEARN, FUNCTIONS, BUILTINS) for module, names in known.items() for name in names
}

EARLIER = {
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
    "__builtin__": "builtins",
    "copy_reg": "copyreg",
    "sklearn.cluster.k_means_": "sklearn.cluster._kmeans",
    "sklearn.decomposition.pca": "sklearn.decomposition._pca",
    "sklearn.preprocessing.data": "sklearn.preprocessing._data",
}
"""Where earlier versions had what we know."""

HARMLESS = ("numpy.random.",)
"""A `random_state` has no part in `predict`: it is left out and not complained of."""


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.<>]{0,199}")


class Stranger:
    """Stands for whatever a file asks for that is no part of a Pipeline: takes everything, does nothing."""

    asked = ""

    def __new__(cls, *_arguments: object, **_named: object) -> "Stranger":  # noqa: D102
        return super().__new__(cls)

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass

    def __call__(self, *_arguments: object, **_named: object) -> "Stranger":  # noqa: D102
        return self

    def __setstate__(self, _state: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def append(self, _item: object) -> None:
        """Forget it."""

    def extend(self, _items: object) -> None:
        """Forget them."""

    def add(self, _item: object) -> None:
        """Forget it."""


OURS: dict[tuple[str, str], Any] = {
    ("builtins", "bytes"): arrays.no_bytes,
    ("numpy", "dtype"): arrays.Dtype,
    ("numpy", "ndarray"): arrays.Ndarray,
    ("numpy._core.multiarray", "_reconstruct"): arrays.reconstruct,
    ("numpy._core.multiarray", "scalar"): arrays.scalar,
    ("numpy._core.numeric", "_frombuffer"): arrays.frombuffer,
}
"""What stands for functions that trust the file."""


class _Array(NumpyArrayWrapper):  # type: ignore[misc] # joblib has no types
    """An array in a joblib file; one of Python objects is a pickle of its own in there, under the same rules."""

    def read_array(self, unpickler: Any, ensure_native_byte_order: bool) -> Any:
        if not isinstance(self.dtype, np.dtype) or not all(type(side) is int and side >= 0 for side in self.shape):
            raise pickle.UnpicklingError("an array of a strange type or shape")
        if self.dtype.hasobject:
            return _Nested(unpickler).load()
        return super().read_array(unpickler, ensure_native_byte_order)


class _Nested(pickle._Unpickler):
    def __init__(self, outer: "Unpickler") -> None:
        super().__init__(outer.file_handle)
        self.find_class = outer.find_class  # type: ignore[method-assign]

    dispatch = pickle._Unpickler.dispatch.copy()

    def load_build(self) -> None:
        _refuse_state(self)
        super().load_build()  # type: ignore[misc]
        arrays.finish(self)

    dispatch[pickle.BUILD[0]] = load_build  # type: ignore[assignment]


class Unpickler(NumpyUnpickler):  # type: ignore[misc] # joblib has no types
    """One file's.

    Parameters
    ----------
    content
        The file.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__("", BytesIO(decompressed(content)), ensure_native_byte_order=True)
        self.strangers: dict[str, type[Stranger]] = {}

    dispatch = NumpyUnpickler.dispatch.copy()

    def load_build(self) -> None:
        """Set a state, as the file says, and put real arrays in the place of unfinished ones."""
        _refuse_state(self)
        super().load_build()
        arrays.finish(self)

    dispatch[pickle.BUILD[0]] = load_build

    def find_class(self, module: str, name: str) -> Any:
        """What the file may have of what it asks for.

        Parameters
        ----------
        module, name
            Asked for.

        Returns
        -------
        object
            What it is called, or a stranger.
        """
        module = EARLIER.get(module, module)
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return _Array
        if (module, name) == ("_codecs", "encode"):
            return _latin
        if (module, name) in OURS:
            return OURS[module, name]
        if (module, name) in ALLOWED:
            # A dotted name would reach into what is allowed: names here are compared whole.
            return getattr(import_module(module), name, Stranger)
        asked = f"{module}.{name}"
        if not NAME.fullmatch(asked):
            # A text file can begin like a pickle; its lines are nobody's to tell.
            raise pickle.UnpicklingError("a name that nothing in Python has")
        if asked.startswith(HARMLESS):
            return type("Stranger", (Stranger,), {"asked": asked})
        return self.strangers.setdefault(asked, type("Stranger", (Stranger,), {"asked": asked}))


def decompressed(content: bytes) -> bytes:
    """Content of a file that joblib may have compressed.

    Parameters
    ----------
    content
        zlib, gzip, bz2, xz or lzma, known by how it begins; anything else stays as it is.

    Returns
    -------
    bytes
        Not compressed.
    """
    if content[:2] == b"\x1f\x8b" or content[:1] == b"\x78":
        return zlib.decompress(content, wbits=zlib.MAX_WBITS | 32)
    if content[:3] == b"BZh":
        return bz2.decompress(content)
    if content[:6] == b"\xfd7zXZ\x00" or content[:2] == b"\x5d\x00":
        return lzma.decompress(content)
    return content


def _refuse_state(unpickler: Any) -> None:
    """Only what was just made of a class takes a state: finished arrays, classes and functions are not to be bent."""
    built = unpickler.stack[-2]
    ours = isinstance(built, arrays.Unfinished | NumpyArrayWrapper | Stranger)
    if not ours and type(built).__name__ not in SKLEARN.get(type(built).__module__, ()):
        raise pickle.UnpicklingError("a state for what takes none")


def _latin(text: str, encoding: str) -> bytes:
    """How early protocols write bytes; no other codec is looked for."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("a codec that no array needs")
    return text.encode("latin-1")
