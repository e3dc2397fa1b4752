"""A registry in a directory."""

import errno
import os
import tempfile
from pathlib import Path

from segmentation.errors import StoreAccessError, StoreUnavailableError

# What a full disk or a network file system says; the rest does not mend itself.
_PASSING = {
    errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.ETIMEDOUT, errno.ESTALE, errno.EAGAIN, errno.EBUSY, errno.EHOSTDOWN,
}  # fmt: skip

_OCCUPIED = {errno.ENOTEMPTY, errno.EEXIST}


class DirectoryStore:
    """Keys are files below a directory; a file appears whole or not at all.

    Parameters
    ----------
    root
        The directory; made when something is first written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def url(self) -> str:
        """The directory."""
        return str(self._root)

    def read(self, key: str) -> bytes | None:
        """See `Store.read`."""
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failure(error) from error

    def create(self, key: str, content: bytes) -> bool:
        """See `Store.create`."""
        target = self._root / key
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Written beside the target, then linked: linking fails where the name is taken, and is never half done.
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".writing-") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
                try:
                    os.link(file.name, target)
                except FileExistsError:
                    return False
            _sync(target.parent)
        except OSError as error:
            raise self._failure(error) from error
        return True

    def delete(self, key: str) -> None:
        """See `Store.delete`; folders that become empty go with it, except those directly below the root."""
        target = self._root / key
        try:
            target.unlink(missing_ok=True)
            _sync(target.parent)
            for folder in list(target.relative_to(self._root).parents)[:-2]:
                (self._root / folder).rmdir()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise self._failure(error) from error

    def list(self, prefix: str) -> list[str]:
        """See `Store.list`."""
        found: list[Path] = []
        # An alias has few moves; the versions beside it, and whatever else is in the directory, may be many files.
        start = self._root / prefix.rpartition("/")[0]
        try:
            for folder, _, names in os.walk(start, onerror=_raise):
                found += [Path(folder, name) for name in names if not name.startswith(".writing-")]
        except OSError as error:
            raise self._failure(error) from error
        keys = (path.relative_to(self._root).as_posix() for path in found)
        return sorted(key for key in keys if key.startswith(prefix))

    def _failure(self, error: OSError) -> StoreAccessError | StoreUnavailableError:
        if error.errno in _PASSING:
            return StoreUnavailableError(f"the registry {self._root} fails: {error.strerror}", hint="try again later")
        return StoreAccessError(
            f"the registry {self._root} cannot be used: {error.strerror}",
            hint="give a directory that this user may write to",
        )


def _sync(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _raise(error: OSError) -> None:
    # What nobody has written yet, or somebody else deletes meanwhile, is not there; a registry is not broken by it.
    if not isinstance(error, FileNotFoundError):
        raise error
