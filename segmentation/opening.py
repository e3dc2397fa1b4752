"""A registry with the keys that the settings name, and a model out of it that proved itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.model import NEEDED_TO_SERVE, assemble
from segmentation.registry import open_registry
from segmentation.registry.signatures import load_signer, load_verifier

if TYPE_CHECKING:
    from segmentation.model import Model
    from segmentation.registry import Registry
    from segmentation.settings import Settings


def open_signed(url: str, settings: Settings, *, writing: bool = False) -> Registry:
    """The registry at a URL, with the keys that the settings name.

    Parameters
    ----------
    url
        As `open_registry` takes it.
    settings
        `signing_key_file` and `public_key_file`, either of which may be empty.
    writing
        Whether something will be published or moved.

    Returns
    -------
    Registry
        Signs with the one key, and refuses what none of the others signed.

    Raises
    ------
    ConfigurationError
        A key cannot be used, or what is written would be refused when it is read.
    """
    signer = load_signer(settings.signing_key_file) if settings.signing_key_file else None
    verifier = load_verifier(settings.public_key_file) if settings.public_key_file else None
    if writing and verifier is not None:
        if signer is None:
            raise ConfigurationError(
                "SEGMENTATION_PUBLIC_KEY_FILE is set, and SEGMENTATION_SIGNING_KEY_FILE is not",
                hint="set it to the private key: what is published unsigned would be refused",
            )
        if not verifier.trusts(signer):
            raise ConfigurationError(
                f"{settings.public_key_file} lacks the public half of {settings.signing_key_file}",
                hint="add its signing.pub to the file: what this key signs would be refused",
            )
    return open_registry(url, signer=signer, verifier=verifier)


def proved(registry: Registry, version: str) -> Model:
    """A published model, verified, that reproduced its golden rows and histories.

    Parameters
    ----------
    registry, version
        Where it is.

    Returns
    -------
    Model
        Ready to use.

    Raises
    ------
    RegistryError, ModelError
        It is not there, or must not be used.
    """
    card = registry.read_card(version)
    return assemble(card, {name: registry.read_file(version, name) for name in NEEDED_TO_SERVE})
