"""API keys: a file of names, scopes and SHA-256 digests; the keys themselves are nowhere but with their callers."""

import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from segmentation.errors import ConfigurationError, nearest

Scope = Literal["predict", "read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

HINT = "`python -m service keys new --name NAME --scope predict --file FILE` writes one"

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class ApiKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of a key.

    Parameters
    ----------
    name
        Whose it is; stands in the log.
    scopes
        What it is for.
    sha256
        Of the key, hexadecimal. A key has 256 random bits: its digest needs no salt and tells nothing.
    created_at
        When it was made.
    """

    name: Annotated[str, Meta(pattern=_NAME)]
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    created_at: datetime


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keys: tuple[ApiKey, ...]


def find(keys: tuple[ApiKey, ...], presented: str) -> ApiKey | None:
    """The key that a caller presents.

    Parameters
    ----------
    keys
        Those that are known.
    presented
        As it was sent.

    Returns
    -------
    ApiKey or None
        None where it is unknown. All are compared, each in constant time.
    """
    digest = sha256(presented.encode("utf-8", "surrogateescape")).hexdigest()
    found = None
    for key in keys:
        if compare_digest(key.sha256, digest):
            found = key
    return found


def read(path: Path) -> tuple[ApiKey, ...]:
    """The keys in a file.

    Parameters
    ----------
    path
        The file; an empty list in it lets nobody in.

    Returns
    -------
    tuple of ApiKey
        In the file's order.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or is no file of keys.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"the file of API keys {path} cannot be read: {reason}", hint=HINT) from error
    try:
        keys = msgspec.json.decode(content, type=_File).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no file of API keys: {error}", hint=HINT) from error
    for what in ("name", "sha256"):
        values = [getattr(key, what) for key in keys]
        twice = next((number for number, value in enumerate(values) if value in values[:number]), None)
        if twice is not None:
            raise ConfigurationError(
                f"{path}: keys[{twice}] has the {what} of an earlier key", hint="take one of the two out"
            )
    return keys


def add(path: Path, name: str, scopes: tuple[Scope, ...]) -> str:
    """Make a key and keep its digest.

    Parameters
    ----------
    path
        The file; made if need be, readable by its owner alone.
    name, scopes
        See `ApiKey`.

    Returns
    -------
    str
        The key itself: it is nowhere else.

    Raises
    ------
    ConfigurationError
        The name cannot be used or is taken, or the file cannot be written or read.
    """
    if not re.fullmatch(_NAME, name):
        raise ConfigurationError(
            f"{name!r} cannot name a key", hint="use up to 64 letters, digits, dots, dashes and underscores"
        )
    with _changing(path):
        keys = read(path) if path.exists() else ()
        if any(key.name == name for key in keys):
            raise ConfigurationError(
                f"{path} has a key named {name!r}", hint="give another name; revoke the old one once nobody uses it"
            )
        secret = f"seg_{secrets.token_urlsafe(32)}"
        digest = sha256(secret.encode()).hexdigest()
        made = ApiKey(name=name, scopes=scopes, sha256=digest, created_at=datetime.now(UTC).replace(microsecond=0))
        _write(path, (*keys, made))
    return secret


def revoke(path: Path, name: str) -> None:
    """Take a key out.

    Parameters
    ----------
    path, name
        The file, and which key.

    Raises
    ------
    ConfigurationError
        There is none of that name, or the file cannot be written or read.
    """
    with _changing(path):
        keys = read(path)
        names = [key.name for key in keys]
        if name not in names:
            raise ConfigurationError(f"{path} has no key named {name!r}", hint=nearest(name, names))
        _write(path, tuple(key for key in keys if key.name != name))


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """One change at a time: two at once would each write the file without the other's key."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise ConfigurationError(f"{path.parent} cannot be opened: {error.strerror}", hint="make it first") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, keys: tuple[ApiKey, ...]) -> None:
    # The file that a link leads to is replaced, not the link.
    target = path.resolve()
    content = msgspec.json.format(msgspec.json.encode(_File(keys)), indent=2) + b"\n"
    try:
        before = target.stat() if target.exists() else None
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                if before is not None:
                    # Whoever could read it before, the service's user for one, still can.
                    os.fchmod(file.fileno(), before.st_mode & 0o777)
                    if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                        os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fsync(file.fileno())
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}", hint="run this as the file's owner, or give another file"
        ) from error
