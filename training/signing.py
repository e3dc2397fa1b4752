"""The job's keys: made once, and used for whatever it publishes and reads."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from segmentation.errors import ConfigurationError

PRIVATE, PUBLIC = "signing.key", "signing.pub"


def generate(folder: Path) -> tuple[Path, Path]:
    """Make a key pair.

    Parameters
    ----------
    folder
        Where to; made if need be.

    Returns
    -------
    tuple of Path
        `signing.key` (PKCS #8, for its owner only) and `signing.pub`, both PEM.

    Raises
    ------
    ConfigurationError
        The folder has one of them already, or cannot be written to.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    paths = folder / PRIVATE, folder / PUBLIC
    if any(path.exists() for path in paths):
        raise ConfigurationError(
            f"{folder} has a {PRIVATE} or {PUBLIC} already", hint="give another folder: a key is never overwritten"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undone:
            for path, content, mode in zip(paths, (private, public), (0o600, 0o644), strict=True):
                _write(path, content, mode, undone)
            undone.pop_all()
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written to: {error.strerror}", hint="give another folder"
        ) from error
    return paths


def _write(path: Path, content: bytes, mode: int, undone: ExitStack) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    # Half a pair, or half a key on a full disk, would be in the way of the next.
    undone.callback(path.unlink, missing_ok=True)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
