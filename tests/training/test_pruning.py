"""`models prune`: what it deletes, and above all what it does not."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from segmentation.errors import InconsistentModelError
from segmentation.registry import Registry, open_registry, open_store, removal
from training import heritage
from training.cli import cli

VERSIONS = [f"202601{day:02}T000000Z-0000000a" for day in range(1, 9)]


@pytest.fixture
def eight(registry: Registry) -> Registry:
    """Eight versions, each with an id more than the one before; the first three were live, one after the other."""
    for number, version in enumerate(VERSIONS):
        registry.publish(version, f'{{"next_id": {number}}}'.encode(), {"scoring.npz": b"arrays", "plots/a.png": b""})
    for version in VERSIONS[:3]:
        move(registry, version)
    return registry


def move(registry: Registry, version: str, alias: str = "production") -> None:
    registry.move(alias, version, at="2026-01-09T00:00:00Z", by="tester", why="test")


def prune(registry: Registry, *options: str) -> Result:
    done = CliRunner().invoke(cli, ["models", "prune", "--registry", registry.url, *options])
    assert done.exit_code == 0, done.output
    return done


def test_what_no_alias_needs_and_is_not_among_the_newest_is_deleted(eight: Registry) -> None:
    said = prune(eight, "--keep", "2").output
    assert eight.versions() == [*VERSIONS[1:3], *VERSIONS[6:]]
    for version, why in (
        (VERSIONS[0], "deleted"), (VERSIONS[1], "kept: move 2 of production"), (VERSIONS[5], "deleted"),
        (VERSIONS[2], "kept: live as production"), (VERSIONS[7], "kept: one of the newest"),
    ):  # fmt: skip
        assert f"{version}  {why}\n" in said
    assert not (Path(eight.url) / "models" / VERSIONS[0]).exists()
    assert eight.read_file(VERSIONS[2], "plots/a.png") == b""
    assert [item.version for item in eight.moves("production")] == VERSIONS[:3]


def test_a_dry_run_says_the_same_and_deletes_nothing(eight: Registry) -> None:
    said = prune(eight, "--keep", "2", "--dry-run").output
    assert eight.versions() == VERSIONS
    assert said.replace("would be deleted", "deleted") == prune(eight, "--keep", "2").output


def test_every_alias_keeps_its_live_version_and_the_one_to_roll_back_to(eight: Registry) -> None:
    move(eight, VERSIONS[4], "canary")
    # Production went back and forth: the last two moves do not tell where a rollback leads.
    for version in (VERSIONS[3], VERSIONS[2]):
        move(eight, version)
    back = eight.previous("production")
    assert back == VERSIONS[1]
    prune(eight, "--keep", "1")
    assert eight.versions() == [VERSIONS[1], VERSIONS[2], VERSIONS[4], VERSIONS[7]]


def test_an_id_that_was_given_is_not_given_again_after_pruning(registry: Registry) -> None:
    for version, next_id in zip(VERSIONS[:4], (3, 9, 5, 6), strict=True):
        registry.publish(version, f'{{"next_id": {next_id}}}'.encode(), {})
    assert "its segments have the highest ids" in prune(registry, "--keep", "1").output
    assert registry.versions() == [VERSIONS[1], VERSIONS[3]]
    assert heritage.free_id(registry) == 9


def test_a_job_that_begins_while_versions_are_pruned_goes_on(eight: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = eight.versions()
    prune(eight, "--keep", "1")
    monkeypatch.setattr(eight, "versions", lambda: listed)
    assert heritage.free_id(eight) == 7


def test_a_list_that_is_made_while_versions_are_pruned_has_those_that_stay(
    eight: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = eight.versions()
    prune(eight, "--keep", "2")
    monkeypatch.setattr(Registry, "versions", lambda _registry: present)
    done = CliRunner().invoke(cli, ["models", "list", "--registry", eight.url])
    assert done.exit_code == 0, done.output
    assert VERSIONS[7] in done.stdout
    assert VERSIONS[0] not in done.stdout.partition("move ")[0]


def test_what_a_killed_job_left_is_deleted_only_on_request(eight: Registry) -> None:
    store, left = open_store(eight.url), "20251231T000000Z-0000000a"
    store.create(f"models/{left}/scoring.npz", b"half a model")
    assert "1 without a card kept: --incomplete deletes them" in prune(eight).output
    assert store.list(f"models/{left}/") != []
    assert f"{left}  deleted" in prune(eight, "--incomplete").output
    assert store.list(f"models/{left}/") == []


def test_a_registry_whose_moves_cannot_be_read_is_left_alone(eight: Registry) -> None:
    open_store(eight.url).create("aliases/canary/0000000001.json", b"not a move")
    done = CliRunner().invoke(cli, ["models", "prune", "--registry", eight.url, "--keep", "1"])
    assert done.exit_code != 0
    assert eight.versions() == VERSIONS


def test_a_latest_move_that_comes_unreadable_while_a_version_is_removed_takes_no_card(eight: Registry) -> None:
    store = open_store(eight.url)

    class Late:
        """The store; a move that cannot be read comes as soon as the card is gone."""

        url, read, create, list = store.url, store.read, store.create, store.list

        def delete(self, key: str) -> None:
            store.delete(key)
            store.create("aliases/production/0000000009.json", b"not a move")

    with pytest.raises(InconsistentModelError):
        removal.remove(eight, Late(), VERSIONS[0])
    assert eight.versions() == VERSIONS


def test_nothing_to_prune_is_no_error(tmp_path: Path, eight: Registry) -> None:
    empty = open_registry(str(tmp_path / "empty"))
    assert "nothing to delete" in prune(empty).output
    assert prune(eight, "--keep", "8").output.count("kept: ") == 8
    assert eight.versions() == VERSIONS
    refused = CliRunner().invoke(cli, ["models", "prune", "--registry", eight.url, "--keep", "0"])
    assert refused.exit_code == 2
