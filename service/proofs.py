"""A model's files put together, proved, and made ready for requests; what failed is not asked again at every look."""

from collections.abc import Mapping
from dataclasses import dataclass

from segmentation.errors import InconsistentModelError, ModelError
from segmentation.model import Model, assemble
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
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
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
            model = assemble(card, files)
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
