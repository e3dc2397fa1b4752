"""The body of POST /predict: types built from the live model, one strict decode, and all that is wrong at once."""

from service.decoding.bodies import Bodies, Limits
from service.decoding.decoder import Batch, Decoder

__all__ = ["Batch", "Bodies", "Decoder", "Limits"]
