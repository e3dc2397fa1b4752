"""Ed25519 signatures: who wrote a card or a move, told by whoever holds the public key."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from segmentation.errors import ConfigurationError, SignatureError

_BEGIN, _END = b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----"


class Signer:
    """Signs what a job publishes.

    Parameters
    ----------
    key
        The job's private key.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that its signatures are checked with."""
        return self._key.public_key()

    def sign(self, content: bytes) -> bytes:
        """The signature of a content; the same content gives the same signature.

        Parameters
        ----------
        content
            What is signed.

        Returns
        -------
        bytes
            64 of them (RFC 8032).
        """
        return self._key.sign(content)


class Verifier:
    """Checks signatures against the keys that are trusted.

    Parameters
    ----------
    keys
        Public keys, any of which may have signed: several while one takes the place of another.
    """

    def __init__(self, keys: tuple[Ed25519PublicKey, ...]) -> None:
        self._keys = keys

    def trusts(self, signer: Signer) -> bool:
        """Whether what this signer signs would be accepted.

        Parameters
        ----------
        signer
            The signer.

        Returns
        -------
        bool
            Whether its public key is one of the trusted ones.
        """
        return signer.public_key in self._keys

    def verify(self, name: str, content: bytes, signature: bytes) -> None:
        """Check a content against its signature.

        Parameters
        ----------
        name
            Where it was read, for the message.
        content, signature
            What was read.

        Raises
        ------
        SignatureError
            No trusted key made this signature of this content.
        """
        if not any(_made(key, content, signature) for key in self._keys):
            raise SignatureError(
                f"{name} does not match its signature by any trusted key",
                hint="it was changed or swapped, or signed by another key: see docs/security.md",
            )


def load_signer(path: str) -> Signer:
    """The signer of a private key's file.

    Parameters
    ----------
    path
        PEM (PKCS #8), without a password.

    Returns
    -------
    Signer
        Ready to sign.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or holds something else.
    """
    content = _read("SEGMENTATION_SIGNING_KEY_FILE", path)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"SEGMENTATION_SIGNING_KEY_FILE: {path} holds no private key without a password",
            hint="`python -m training models keygen --out DIR` writes one",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            f"SEGMENTATION_SIGNING_KEY_FILE: {path} holds a key of another kind than Ed25519",
            hint="`python -m training models keygen --out DIR` writes one",
        )
    return Signer(key)


def load_verifier(path: str) -> Verifier:
    """The verifier of a file of public keys.

    Parameters
    ----------
    path
        One or more keys, PEM, one after the other.

    Returns
    -------
    Verifier
        Trusts each of them.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or holds something else.
    """
    content = _read("SEGMENTATION_PUBLIC_KEY_FILE", path)
    hint = "give the signing.pub that `python -m training models keygen` wrote, or several of them in one file"
    if b"PRIVATE KEY" in content:
        raise ConfigurationError(
            f"SEGMENTATION_PUBLIC_KEY_FILE: {path} holds a private key, which only the job may have", hint=hint
        )
    blocks = [_BEGIN + rest for rest in content.split(_BEGIN)[1:]]
    if not blocks:
        raise ConfigurationError(f"SEGMENTATION_PUBLIC_KEY_FILE: {path} holds no public key", hint=hint)
    return Verifier(tuple(_public_key(path, number, block, hint) for number, block in enumerate(blocks, start=1)))


def _public_key(path: str, number: int, block: bytes, hint: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(block.partition(_END)[0] + _END + b"\n")
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"SEGMENTATION_PUBLIC_KEY_FILE: key {number} of {path} cannot be read", hint=hint
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(
            f"SEGMENTATION_PUBLIC_KEY_FILE: key {number} of {path} is of another kind than Ed25519", hint=hint
        )
    return key


def _read(setting: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(
            f"{setting}: {path} cannot be read: {reason}", hint="give a file that this user may read"
        ) from error


def _made(key: Ed25519PublicKey, content: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
