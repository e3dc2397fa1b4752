"""The model that the peers serve: the one that the service serves, as its files are."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Published:
    """A version of a registry in a directory."""

    folder: Path
    version: str
    features: list[dict[str, Any]]
    segments: list[str]

    @property
    def names(self) -> list[str]:
        """Names of the features, in the model's order."""
        return [feature["name"] for feature in self.features]


def load() -> Published:
    """The newest version in the directory PEER_REGISTRY."""
    folder = max(Path(os.environ["PEER_REGISTRY"], "models").iterdir())
    card = json.loads((folder / "card.json").read_bytes())
    return Published(folder, card["version"], card["features"], [segment["name"] for segment in card["segments"]])
