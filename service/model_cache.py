"""A copy of the live model in a folder, for starts while the registry does not answer.

The folder is a registry itself, and is read and verified as one. The moves in it are the memory of what was seen: the
highest is never forgotten. Several workers may share a folder: files appear whole, and what one of them may still need
is not removed by another.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import ModelError, RegistryError
from segmentation.model import CARD
from segmentation.registry import Move, Registry, SignedCard, moves
from segmentation.registry.directory import DirectoryStore
from segmentation.registry.versions import CARD_SIGNATURE, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segmentation.registry.signatures import Verifier

logger = logging.getLogger(__name__)


class ModelCache:
    """The live model of an alias, in a folder.

    A folder that cannot be written to or read is a warning: the service goes on without.

    Parameters
    ----------
    folder
        Made when something is first kept.
    alias
        Whose model it is.
    verifier
        As for the registry.
    """

    def __init__(self, folder: Path, alias: str, verifier: Verifier | None) -> None:
        self._folder = folder
        self._alias = alias
        self._said = ""
        self.registry = Registry(DirectoryStore(folder), verifier=verifier)

    def highest(self) -> int:
        """The highest sequence number that was seen.

        Returns
        -------
        int
            0 where none was.
        """
        try:
            return self.registry.sequence(self._alias)
        except RegistryError as error:
            self._warn(error.message)
            return 0

    def moves(self) -> list[Move]:
        """The moves that were seen and are not outdated.

        Returns
        -------
        list of Move
            Oldest first; without those that cannot be read or trusted.
        """
        try:
            return self.registry.moves(self._alias)
        except RegistryError as error:
            self._warn(error.message)
            return []

    def remember(self, move: Move) -> None:
        """Remember a move as soon as it is trusted, whether or not its model will do.

        Parameters
        ----------
        move
            A move that was verified.
        """
        self._write({moves.key(move.alias, move.sequence): moves.encode(move)})

    def keep(self, move: Move, card: SignedCard, files: Mapping[str, bytes]) -> None:
        """Keep the model that is served from now on, and remove those before.

        Parameters
        ----------
        move
            The move to it.
        card, files
            What was read, verified and proved.
        """
        contents = {path_of(move.version, name): content for name, content in files.items()}
        if card.signature is not None:
            contents[path_of(move.version, CARD_SIGNATURE)] = card.signature
        contents[path_of(move.version, CARD)] = card.content
        if self._write(contents):
            self._prune(move)

    def keep_file(self, version: str, name: str, content: bytes) -> None:
        """Keep one more file of the version that is served.

        Parameters
        ----------
        version, name, content
            As it was read and verified.
        """
        if (self._folder / path_of(version, CARD)).exists():
            self._write({path_of(version, name): content})

    def _write(self, contents: Mapping[str, bytes]) -> bool:
        try:
            for key, content in contents.items():
                _replace(self._folder / key, content)
        except OSError as error:
            self._warn(f"{self._folder} cannot be written to: {error.strerror}")
            return False
        self._said = ""
        return True

    def _prune(self, served: Move) -> None:
        """Remove moves before the one served, then versions that no move of any alias leads to."""
        aliases = self._folder / "aliases"
        try:
            # Before the moves: another worker writes a move first, and then its version.
            versions = list((self._folder / "models").iterdir())
            for path in (aliases / self._alias).iterdir():
                sequence = moves.sequence_of(path.relative_to(self._folder).as_posix())
                if sequence is not None and sequence < served.sequence:
                    path.unlink(missing_ok=True)
            wanted = {served.version}
            for path in sorted(aliases.glob("*/*.json")):
                key = path.relative_to(self._folder).as_posix()
                wanted.add(moves.decode(key, path.read_bytes(), None).version)
            for folder in versions:
                if folder.name not in wanted:
                    shutil.rmtree(folder)
        except FileNotFoundError:
            # Another worker was faster; what is left is removed with the next model.
            return
        except (OSError, ModelError) as error:
            self._warn(f"old models in {self._folder} cannot be removed: {error}")

    def _warn(self, message: str) -> None:
        if message != self._said:
            logger.warning("the model cache fails, and nothing is kept for a restart: %s", message)
        self._said = message


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # DirectoryStore passes files of this name over: what a killed worker leaves is not taken for a model.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".writing-", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
