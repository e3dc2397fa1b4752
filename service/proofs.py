"""A model's files put together, proved, and made ready for requests; what failed is not asked again at every look."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from segmentation.errors import InconsistentModelError, ModelError
from segmentation.histories import HistoryQuery
from segmentation.model import Model, assemble
from service.apart import apart
from service.decoding import Decoder, Limits
from service.predictions import Single
from service.refusals import Refusals, digest_of


@dataclass(frozen=True, slots=True, eq=False)
class Proved:
    """A model that reproduced its golden rows and histories, and what reads requests for it."""

    model: Model
    decoder: Decoder
    single: Single


class Proofs:
    """Proves models, one after the other.

    Parameters
    ----------
    limits
        For the decoders.
    in_child
        Whether the SQL of a model is tried in a child process: DuckDB takes memory that is not given back, of which a
        worker that is only ever sent features has no need.
    """

    def __init__(self, limits: Limits, *, in_child: bool = False) -> None:
        self._limits = limits
        self._in_child = in_child
        self._refusals = Refusals()

    def prove(self, version: str, card: bytes, files: Mapping[str, bytes]) -> Proved:
        """Let a model prove itself.

        Parameters
        ----------
        version
            Where it was read.
        card, files
            As they were read.

        Returns
        -------
        Proved
            Ready to serve.

        Raises
        ------
        ModelError
            It is not fit, or was not when these bytes were asked last.
        """
        digest = digest_of(card, files)
        self._refusals.check(digest)
        try:
            # A process in which DuckDB is at work is not forked: its locks would be held in the child for ever.
            tried = self._in_child and not HistoryQuery.awake()
            if tried:
                apart(partial(assemble, card, files))
            model = assemble(card, files, tried=tried)
            if model.version != version:
                raise InconsistentModelError(
                    f"the card of {version} is that of another version", hint="publish the model again"
                )
            return _proved(model, self._limits)
        except ModelError as error:
            self._refusals.note(digest, error)
            raise


def _proved(model: Model, limits: Limits) -> Proved:
    try:
        decoder = Decoder(model.card, model.query, limits)
        return Proved(model, decoder, Single(model, decoder.bodies))
    except (TypeError, ValueError) as error:
        raise InconsistentModelError(
            f"no request can be read for the features of {model.version}", hint="publish the model again"
        ) from error
