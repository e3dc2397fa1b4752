"""The Pipeline folded into arrays, at work: feature rows to segment, margin and distance, in numpy alone."""

from dataclasses import dataclass, fields
from io import BytesIO
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from segmentation.errors import InconsistentModelError

Floats = npt.NDArray[np.float64]

ROWS_AT_ONCE = 65_536
"""Rows scored in one go: bounds the memory of a large batch to some tens of megabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """A segmentation model as plain arrays; d features, p components, k segments.

    Parameters
    ----------
    lower, upper
        Winsorising bounds per feature, float64, shape (d,); infinite where a feature is not winsorised.
    log_mask
        Which features enter as log(1 + x), bool, shape (d,).
    matrix, offset
        Scaling and PCA as one affine map, float64, shapes (d, p) and (p,).
    centroids
        float64, shape (k, p), in the order of the card's segments.
    residual_matrix, residual_offset
        What that map loses: the standardised row in the r directions outside of the components kept, float64, shapes
        (d, r) and (r,); r is 0 where they keep everything.
    """

    lower: Floats
    upper: Floats
    log_mask: npt.NDArray[np.bool_]
    matrix: Floats
    offset: Floats
    centroids: Floats
    residual_matrix: Floats
    residual_offset: Floats

    def __post_init__(self) -> None:
        d, p = self.matrix.shape if self.matrix.ndim == 2 else (-1, -1)
        k = self.centroids.shape[0] if self.centroids.ndim == 2 else -1
        r = self.residual_matrix.shape[-1]
        expected = {
            "lower": (d,),
            "upper": (d,),
            "log_mask": (d,),
            "offset": (p,),
            "centroids": (k, p),
            "residual_matrix": (d, r),
            "residual_offset": (r,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise InconsistentModelError(
                    f"scoring array {name!r} has shape {getattr(self, name).shape}, not {shape}",
                    hint="publish the model again",
                )
        if k < 2:
            raise InconsistentModelError("a model needs at least two centroids", hint="publish the model again")
        for name in ("matrix", "offset", "centroids", "residual_matrix", "residual_offset"):
            if not np.isfinite(getattr(self, name)).all():
                raise InconsistentModelError(
                    f"scoring array {name!r} holds numbers that are not finite", hint="publish the model again"
                )
        if np.isnan(self.lower).any() or np.isnan(self.upper).any() or (self.lower > self.upper).any():
            raise InconsistentModelError("winsorising bounds are not in order", hint="publish the model again")

    def prepare(self, features: Floats) -> Floats:
        """Winsorise, and take log(1 + x) where the model does.

        Parameters
        ----------
        features
            float64, shape (n, d).

        Returns
        -------
        ndarray
            float64, shape (n, d).
        """
        inside = np.clip(features, self.lower, self.upper)
        np.log1p(inside, out=inside, where=self.log_mask)
        return inside

    def space(self, features: Floats) -> Floats:
        """Bring feature rows into the space in which distances are measured.

        Parameters
        ----------
        features
            float64, shape (n, d).

        Returns
        -------
        ndarray
            float64, shape (n, p).
        """
        return self._space(self.prepare(features))

    def residual(self, features: Floats) -> Floats:
        """How far feature rows lie outside of the space in which distances are measured.

        Parameters
        ----------
        features
            float64, shape (n, d).

        Returns
        -------
        ndarray
            float64, shape (n,); see `Scores`.
        """
        return self._residual(self.prepare(features))

    def _space(self, prepared: Floats) -> Floats:
        return np.asarray(prepared @ self.matrix + self.offset, dtype=np.float64)

    def _residual(self, prepared: Floats) -> Floats:
        outside = prepared @ self.residual_matrix + self.residual_offset
        return np.asarray(np.vecdot(outside, outside), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the arrays say of n customers.

    Parameters
    ----------
    segment, runner_up
        Positions of the nearest and second nearest centroid, int64, shape (n,).
    distance
        Euclidean distance to the nearest centroid in the scaled PCA space, float64, shape (n,).
    margin
        1 - nearest / second nearest distance, 0 (on the border) to 1 (on the centroid), float64, shape (n,). This is
        the simplified silhouette of a customer; it is not a probability.
    residual
        Squared norm of the standardised row outside of the components kept, float64, shape (n,): how unlike training
        customers it is in what the segments do not see. 0 where PCA keeps everything.

    References
    ----------
    Jackson and Mudholkar (1979), "Control procedures for residuals associated with principal component analysis", for
    the residual. Hruschka, Campello, de Castro (2004), "Evolutionary algorithms for clustering gene-expression data",
    for the simplified silhouette.
    """

    segment: npt.NDArray[np.int64]
    runner_up: npt.NDArray[np.int64]
    distance: Floats
    margin: Floats
    residual: Floats


def score(arrays: Arrays, features: Floats) -> Scores:
    """Find each customer's segment.

    Parameters
    ----------
    arrays
        The model.
    features
        float64, shape (n, d), finite, columns in the model's order.

    Returns
    -------
    Scores
        In input order.
    """
    parts = [_score(arrays, features[start : start + ROWS_AT_ONCE]) for start in _starts(len(features))]
    if len(parts) == 1:
        return parts[0]
    return Scores(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Scores)))


def to_bytes(arrays: Arrays) -> bytes:
    """The arrays as an .npz file, the same bytes for the same arrays.

    Parameters
    ----------
    arrays
        The model.

    Returns
    -------
    bytes
        Content of `scoring.npz`.
    """
    buffer = BytesIO()
    np.savez(
        buffer,
        lower=arrays.lower,
        upper=arrays.upper,
        log_mask=arrays.log_mask,
        matrix=arrays.matrix,
        offset=arrays.offset,
        centroids=arrays.centroids,
        residual_matrix=arrays.residual_matrix,
        residual_offset=arrays.residual_offset,
    )
    return buffer.getvalue()


def from_bytes(content: bytes) -> Arrays:
    """Read the arrays back; pickled content is refused.

    Parameters
    ----------
    content
        Content of `scoring.npz`.

    Returns
    -------
    Arrays
        The model.

    Raises
    ------
    InconsistentModelError
        The file is not an .npz of these arrays, or they do not fit each other.
    """
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            read = {field.name: file[field.name] for field in fields(Arrays)}
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise InconsistentModelError(f"scoring.npz cannot be read: {error}", hint="publish the model again") from error
    for name, array in read.items():
        wanted = np.bool_ if name == "log_mask" else np.float64
        if array.dtype != wanted:
            raise InconsistentModelError(
                f"scoring array {name!r} is {array.dtype}, not {np.dtype(wanted)}", hint="publish the model again"
            )
    return Arrays(**read)


def _starts(rows: int) -> range:
    return range(0, max(rows, 1), ROWS_AT_ONCE)


def _score(arrays: Arrays, features: Floats) -> Scores:
    prepared, rows = arrays.prepare(features), np.arange(len(features))
    space = arrays._space(prepared)
    squared = np.empty((len(arrays.centroids), len(features)))
    for centroid, out in zip(arrays.centroids, squared, strict=True):
        difference = space - centroid
        np.vecdot(difference, difference, out=out)
    nearest = squared.argmin(axis=0)
    near = np.sqrt(squared[nearest, rows])
    squared[nearest, rows] = np.inf
    second = squared.argmin(axis=0)
    far = np.sqrt(squared[second, rows])
    # Two centroids in one place are a tie for everyone on them: margin 0, not 0/0.
    margin = 1.0 - np.divide(near, far, out=np.ones_like(near), where=far > 0)
    return Scores(nearest, second, distance=near, margin=margin, residual=arrays._residual(prepared))
