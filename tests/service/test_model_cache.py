"""A cache folder that several workers share."""

import random
import threading
import time
from pathlib import Path

import pytest

from segmentation import card as cards
from segmentation.registry import Registry, SignedCard, open_registry
from service.model_cache import ModelCache
from tests.signing_keys import pair

WORKERS, MODELS = 6, 8
FILES = {"scoring.npz": b"arrays" * 1000, "features.sql": b"sql"}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A signed registry in which every model was live once; of the cards only the version matters here."""
    made, _ = pair(tmp_path / "keys")
    registry = open_registry(str(tmp_path / "registry"), signer=made)
    for number in range(MODELS):
        version = f"2097010{number}T000000Z-00000000"
        registry.publish(version, b'{"version":"%s"}' % version.encode(), FILES)
        registry.move("production", version, at="2026-01-01T00:00:00Z", by="tester", why="test")
    return registry


@pytest.mark.parametrize("seed", range(5))
def test_workers_that_lag_behind_each_other_leave_the_latest_model_whole(
    registry: Registry, tmp_path: Path, seed: int
) -> None:
    _, verifier = pair(tmp_path / "unused")
    folder, moves, failures = tmp_path / "cache", registry.moves("production"), []

    def work(number: int) -> None:
        rng, cache = random.Random(seed * 100 + number), ModelCache(folder, "production", None)
        for move in moves:
            time.sleep(rng.random() / 200)
            try:
                cache.remember(move)
                time.sleep(rng.random() / 500)
                cache.keep(move, SignedCard(registry.read_card(move.version), None), FILES)
            except Exception as error:  # noqa: BLE001 - a thread's error is told by the test
                failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    cache = ModelCache(folder, "production", None)
    latest = cache.moves()[-1]
    assert (latest, cache.highest()) == (moves[-1], MODELS)
    assert cards.digest(cache.registry.signed_card_of(latest).content) == latest.card_digest
    for name, content in FILES.items():
        assert cache.registry.read_file(latest.version, name) == content
    # Whoever trusts another key makes nothing of it.
    assert ModelCache(folder, "production", verifier).moves() == []
    assert ModelCache(folder, "production", verifier).highest() == MODELS
