"""One tree of errors; each knows its code, its exit status, its HTTP status, and what to do next.

    SegmentationError
    ├── InputError                      what the user gave cannot be used (exit 2, HTTP 422)
    │   ├── ConfigurationError          a setting or a key of the configuration
    │   ├── SourceError                 files and tables
    │   │   ├── MissingTableError
    │   │   ├── MissingColumnError
    │   │   ├── EmptyTableError
    │   │   ├── UnreadableFileError
    │   │   ├── BadValueError
    │   │   └── DuplicateRowError
    │   ├── UnusableDataError           well-formed data that no model can be made of
    │   ├── ForeignPipelineError        a file to import that holds no Pipeline that can be taken in
    │   └── RequestError                an HTTP request
    │       └── InvalidFieldError       (422)
    ├── ModelError                      a model that must not be used (exit 1, HTTP 503)
    │   ├── DigestMismatchError
    │   ├── SchemaVersionError
    │   ├── InconsistentModelError
    │   ├── SignatureError              unsigned, altered, swapped, or signed by a key that is not trusted
    │   ├── ReplayedMoveError
    │   └── GoldenMismatchError
    ├── RegistryError                   (exit 2)
    │   ├── UnknownVersionError         (404)
    │   ├── UnknownAliasError           (404)
    │   ├── VersionExistsError          (exit 4)
    │   ├── LostRaceError               (exit 4)
    │   ├── StoreAccessError            wrong bucket or credentials
    │   └── StoreUnavailableError       worth retrying (exit 5, HTTP 503)
    ├── GateRefusedError                a model that is published, but may not go live by itself (exit 3)
    └── QueryLimitError                 a feature query ran too long or too large (HTTP 503)

`campaigns/errors.py` adds experiments, below InputError, and warehouses; `service/errors.py` what the service refuses.

Messages never hold a customer's data; the one exception is a value of a file that cannot be read as what its column
is, shown to whoever runs the job on that file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


class SegmentationError(Exception):
    """Root of the tree: a message that says what was wrong and where, and a hint that says what to do.

    Parameters
    ----------
    message
        What was wrong, and where.
    hint
        What to do about it; empty where there is nothing to say.
    """

    code: ClassVar[str] = "defect"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def nearest(name: str, present: Sequence[str], otherwise: str = "it has") -> str:
    """A hint that names the nearest match, or all there is.

    Parameters
    ----------
    name
        What was looked for.
    present
        What there is.
    otherwise
        How the list begins where nothing is near.

    Returns
    -------
    str
        A hint for an error.
    """
    near = [other for other in present if name and name in other] or get_close_matches(name, present, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"{otherwise} {', '.join(present) or 'nothing'}"


class InputError(SegmentationError):
    """What the user gave cannot be used."""

    code = "bad-input"
    exit_status = 2
    http_status = 422


class ConfigurationError(InputError):
    """A setting or a key of the configuration is unknown or out of range."""

    code = "bad-configuration"


class SourceError(InputError):
    """A file or table cannot be used."""

    code = "bad-source"


class MissingTableError(SourceError):
    """A file that the source needs is not there."""

    code = "missing-table"


class MissingColumnError(SourceError):
    """A table lacks a column that the source needs."""

    code = "missing-column"

    def __init__(self, table: str, column: str, present: Sequence[str]) -> None:
        super().__init__(f"{table} has no column {column!r}", hint=nearest(column, present))


class EmptyTableError(SourceError):
    """A file or folder has nothing in it."""

    code = "empty-table"


class UnreadableFileError(SourceError):
    """A file is not text in the expected encoding, or not a table."""

    code = "unreadable-file"


class BadValueError(SourceError):
    """A value cannot be read as its column's type, or is outside its valid range."""

    code = "bad-value"


class DuplicateRowError(SourceError):
    """Two rows of a table have the same key."""

    code = "duplicate-row"


class UnusableDataError(InputError):
    """The data are well-formed, but no model can be made of them."""

    code = "unusable-data"


class ForeignPipelineError(InputError):
    """A file that was made elsewhere holds no Pipeline that can be taken in."""

    code = "foreign-pipeline"


@dataclass(frozen=True, slots=True)
class Fault:
    """One place of a request's body: what is wrong there, where (RFC 6901), and what to do."""

    message: str
    pointer: str
    hint: str = ""


class RequestError(InputError):
    """An HTTP request that cannot be answered.

    Parameters
    ----------
    message, hint
        As in `SegmentationError`.
    pointer
        Where in the body, as a JSON pointer (RFC 6901); None where it is no place of the body.
    faults
        All that is wrong with the body, where that is more than one thing.
    """

    code = "bad-request"
    http_status = 400

    def __init__(
        self, message: str, *, hint: str = "", pointer: str | None = None, faults: Sequence[Fault] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        here = () if pointer is None else (Fault(message, pointer, hint),)
        self.faults = tuple(faults) or here


class InvalidFieldError(RequestError):
    """A field of the body is missing, unknown, of the wrong type or out of range."""

    code = "invalid-field"
    http_status = 422


class ModelError(SegmentationError):
    """A model that must not be used."""

    code = "bad-model"
    http_status = 503


class DigestMismatchError(ModelError):
    """A file of the model is not the one that its card names."""

    code = "digest-mismatch"


class SchemaVersionError(ModelError):
    """The card is of a schema that this release cannot read."""

    code = "unknown-card-schema"


class InconsistentModelError(ModelError):
    """The parts of the model do not fit each other."""

    code = "inconsistent-model"


class SignatureError(ModelError):
    """A card or a move is unsigned, altered, swapped, or signed by a key that is not trusted."""

    code = "bad-signature"


class ReplayedMoveError(ModelError):
    """The alias's latest move is older than one that was seen before."""

    code = "replayed-move"


class GoldenMismatchError(ModelError):
    """The model does not reproduce its own golden rows or histories."""

    code = "golden-mismatch"


class RegistryError(SegmentationError):
    """The registry cannot do what was asked."""

    code = "registry"
    exit_status = 2


class UnknownVersionError(RegistryError):
    """The registry has no such version."""

    code = "unknown-version"
    http_status = 404


class UnknownAliasError(RegistryError):
    """The registry has no such alias, or the alias has no earlier move."""

    code = "unknown-alias"
    http_status = 404


class VersionExistsError(RegistryError):
    """A version is written once only."""

    code = "version-exists"
    exit_status = 4


class LostRaceError(RegistryError):
    """Another publisher moved the alias first."""

    code = "lost-race"
    exit_status = 4


class StoreAccessError(RegistryError):
    """The store refuses: wrong bucket, credentials or permissions."""

    code = "store-access"


class StoreUnavailableError(RegistryError):
    """The store does not answer; worth retrying."""

    code = "store-unavailable"
    exit_status = 5
    http_status = 503


class GateRefusedError(SegmentationError):
    """A model that may not take the place of the live one, unless somebody says so."""

    code = "gate-refused"
    exit_status = 3


class QueryLimitError(SegmentationError):
    """A feature query ran longer, or needs more memory, than allowed."""

    code = "query-limit"
    http_status = 503
