"""What each worker tells of the model it serves and of its looks for newer ones, for whichever worker is scraped."""

import msgspec

from segmentation.errors import ModelError, RegistryError, SegmentationError


def _codes(kind: type[SegmentationError]) -> set[str]:
    return {kind.code}.union(*(_codes(below) for below in kind.__subclasses__()))


REASONS = tuple(sorted(_codes(ModelError) | _codes(RegistryError) | {SegmentationError.code}))
"""Why a look for a model can fail: the codes of models and registries in the tree of errors, and `defect`."""


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker is; times are seconds since 1970, 0 where there was none.

    Parameters
    ----------
    version, created, move
        The model served, when it was made, and the sequence number of the move to it; empty and 0 without one.
    last_success
        When the worker last found that it serves what the registry says.
    last_failure, failing
        When a look last failed; the reason, one of REASONS, if that was the latest look.
    """

    version: str = ""
    created: float = 0.0
    move: int = 0
    last_success: float = 0.0
    last_failure: float = 0.0
    failing: str = ""


def reason_of(error: Exception) -> str:
    """The reason that a failed look is counted under.

    Parameters
    ----------
    error
        What ended the look.

    Returns
    -------
    str
        One of REASONS.
    """
    code = error.code if isinstance(error, SegmentationError) else SegmentationError.code
    return code if code in REASONS else SegmentationError.code
