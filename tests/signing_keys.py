"""Key pairs for tests of signatures."""

from pathlib import Path

from segmentation.registry import Registry, open_registry
from segmentation.registry.signatures import Signer, Verifier, load_signer, load_verifier
from training.signing import generate


def pair(folder: Path) -> tuple[Signer, Verifier]:
    """A new key pair, read back from its files."""
    private, public = generate(folder)
    return load_signer(str(private)), load_verifier(str(public))


def signed(url: str, keys: Path) -> Registry:
    """A registry that signs and verifies with a new pair, which is left in a folder."""
    signer, verifier = pair(keys)
    return open_registry(url, signer=signer, verifier=verifier)
