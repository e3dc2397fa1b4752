"""A model as the service and the registry use it: verified bytes, assembled and proved."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from segmentation import card as cards
from segmentation import golden, scoring
from segmentation.card import Card
from segmentation.drift import LEVELS
from segmentation.errors import DigestMismatchError, InconsistentModelError, ModelError, SegmentationError
from segmentation.histories import HistoryQuery
from segmentation.scoring import Arrays
from segmentation.single import SingleScorer
from segmentation.tables import TABLES

CARD = "card.json"
PIPELINE = "model.pkl"
ARRAYS = "scoring.npz"
SQL = "features.sql"

NEEDED_TO_SERVE = (ARRAYS, SQL)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model that reproduced its golden rows and histories.

    Parameters
    ----------
    single
        The same model for one customer at a time.
    query
        Makes features of raw rows; None for a model of customer tables, whose rows are features already.
    """

    card: Card
    arrays: Arrays
    single: SingleScorer
    query: HistoryQuery | None
    sql: str

    @property
    def version(self) -> str:
        """The model's version."""
        return self.card.version


def verify(card: Card, files: Mapping[str, bytes]) -> None:
    """Check files against the digests in their card.

    Parameters
    ----------
    card
        The card.
    files
        Content by name, of some or all files of the version.

    Raises
    ------
    DigestMismatchError
        A file is not named in the card, or differs from what the card names.
    """
    for name, content in files.items():
        if card.files.get(name) != cards.digest(content):
            raise DigestMismatchError(
                f"{name} of {card.version} is not the file that its card names",
                hint="the file was changed after it was published; publish the model again",
            )


def assemble(card_content: bytes, files: Mapping[str, bytes], *, tried: bool = False) -> Model:
    """Verify a model's files, put them together, and let the model prove itself.

    Parameters
    ----------
    card_content
        Content of `card.json`.
    files
        Content of `scoring.npz` and `features.sql`, by name.
    tried
        Whether these same bytes were assembled in another process already, so that `features.sql` need not run again.

    Returns
    -------
    Model
        Ready to serve.

    Raises
    ------
    ModelError
        Whatever makes the model unfit: a digest, the schema, shapes, the golden rows.
    """
    card = cards.decode(card_content)
    missing = [name for name in NEEDED_TO_SERVE if name not in files]
    if missing:
        raise InconsistentModelError(f"{card.version} has no {missing[0]}", hint="publish the model again")
    verify(card, files)
    arrays = scoring.from_bytes(files[ARRAYS])
    if len(arrays.lower) != len(card.features) or len(arrays.centroids) != card.k:
        raise InconsistentModelError(
            "the arrays have other features or segments than the card", hint="publish the model again"
        )
    _require_logarithms(card, arrays)
    try:
        sql = files[SQL].decode()
        table = TABLES.get(card.table)
        query = None if table is None else HistoryQuery(table, sql, card.feature_names, tried=tried)
        single = SingleScorer(arrays, card.feature_names, [segment.when for segment in card.rule_segments])
        golden.prove(card, arrays, single, query, rows_alone=tried)
        if query is not None and not tried:
            query.rest()
        _require_moments(card)
        _require_drift(card)
    except ModelError:
        raise
    except (SegmentationError, ValueError, TypeError, OverflowError) as error:
        # Whatever else a strange model brings about is the model's fault, and must not stop who looks for a better one.
        raise InconsistentModelError(
            f"{card.version} cannot be used: {type(error).__name__}", hint="publish the model again"
        ) from error
    return Model(card=card, arrays=arrays, single=single, query=query, sql=sql)


def _require_logarithms(card: Card, arrays: Arrays) -> None:
    """log1p ends at -1: a customer there would have no place, and every request with one would fail."""
    for feature, logged, lower in zip(card.features, arrays.log_mask.tolist(), arrays.lower.tolist(), strict=True):
        if logged and max(lower, -math.inf if feature.low is None else feature.low) <= -1:
            raise InconsistentModelError(
                f"{card.version} takes log1p of {feature.name}, which may be -1 or less",
                hint="clip it before, give its column a range that begins above -1, or take no logarithm of it",
            )


def _require_moments(card: Card) -> None:
    for name in ("as_of", "created_at"):
        if datetime.fromisoformat(getattr(card, name)).tzinfo is None:
            raise InconsistentModelError(
                f"{name} of {card.version} is not in UTC: it has no offset", hint="publish the model again"
            )


def _require_drift(card: Card) -> None:
    known = {
        "segments",
        "distance",
        "residual",
        *(f"feature:{name}" for name in card.feature_names),
        *(f"distance:{segment.id}" for segment in card.segments),
    }
    names = [monitor.name for monitor in card.drift.monitors]
    strange = sorted(set(names) - known)
    segments = card.drift.monitor("segments")
    if strange or len(set(names)) < len(names) or segments is None or len(segments.counts) != len(card.all_segments):
        raise InconsistentModelError(
            f"the drift reference of {card.version} does not fit its features and segments"
            + (f": {strange[0]}" if strange else ""),
            hint="publish the model again",
        )
    if any(set(monitor.coefficients) != set(LEVELS) for monitor in card.drift.monitors):
        raise InconsistentModelError(
            f"the drift reference of {card.version} is not calibrated", hint="publish the model again"
        )
