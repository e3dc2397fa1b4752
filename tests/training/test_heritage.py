"""What a registry hands down to the next model; who may move the alias, and what was really written."""

from dataclasses import replace
from pathlib import Path

import pytest

from segmentation import card as cards
from segmentation.errors import GateRefusedError, LostRaceError, RegistryError
from segmentation.lineage import Verdict
from segmentation.registry import Registry
from segmentation.registry.directory import DirectoryStore
from tests.conftest import put_live
from training import job, publish
from training.bundle import Bundle
from training.heritage import NOTHING, Heritage, free_id, inherit
from training.job import Result


def numbered(result: Result, day: int, **fields: object) -> Result:
    """The same model as a version of its own."""
    card = replace(result.made.card, version=f"202601{day:02d}T000000Z-00000000", **fields)  # type: ignore[arg-type]
    return replace(result, made=Bundle(card, cards.encode(card), result.made.files))


def test_an_empty_registry_hands_down_nothing(registry: Registry) -> None:
    found = inherit(registry, "production")
    assert (found.model, found.next_id, found.anew, found.sequence) == (None, 0, False, 0)


def test_the_live_model_is_handed_down_and_ids_after_all_that_any_version_had(
    published: Registry, sample_result: Result
) -> None:
    # One that was never live may be promoted one day: its ids are given as well.
    other = numbered(sample_result, 2, next_id=9).made
    published.publish(other.card.version, other.card_content, other.files)
    found = inherit(published, "production")
    assert found.model is not None
    assert (found.model.version, found.next_id, found.sequence) == (sample_result.made.card.version, 9, 1)
    assert free_id(published) == 9
    elsewhere = inherit(published, "canary")
    assert (elsewhere.model, elsewhere.next_id, elsewhere.anew) == (None, 9, False)
    left = inherit(published, "production", anew=True)
    assert (left.model, left.next_id, left.anew, left.sequence) == (None, 9, True, 1)


def test_going_back_does_not_give_an_id_twice(published: Registry, sample_result: Result) -> None:
    put_live(published, numbered(sample_result, 2, next_id=7).made, "a segment was born")
    publish.promote(published, "production", sample_result.made.card.version, "rollback")
    assert inherit(published, "production").next_id == 7


def test_a_live_model_that_does_not_prove_itself_is_told_with_what_to_do(
    published: Registry, sample_result: Result
) -> None:
    rows = sample_result.made.card.golden_rows
    wrong = (replace(rows[0], segment=(rows[0].segment + 1) % 5), *rows[1:])
    put_live(published, numbered(sample_result, 2, golden_rows=wrong).made, "careless")
    with pytest.raises(RegistryError, match="golden row 0") as caught:
        inherit(published, "production")
    assert "--anew" in caught.value.hint
    assert caught.value.exit_status == 2


def test_who_moved_the_alias_in_between_is_not_overrun(published: Registry, sample_result: Result) -> None:
    handed = inherit(published, "production")
    put_live(published, numbered(sample_result, 2).made, "somebody else was faster")
    with pytest.raises(LostRaceError, match="20260102T000000Z"):
        job.release(numbered(sample_result, 3), published, "production", handed)
    assert published.live("production").version == "20260102T000000Z-00000000"
    assert "20260103T000000Z-00000000" in published.versions()


def test_an_alias_that_came_into_being_meanwhile_is_not_overrun(published: Registry, sample_result: Result) -> None:
    with pytest.raises(LostRaceError):
        job.release(numbered(sample_result, 3), published, "production", NOTHING)
    assert job.release(numbered(sample_result, 4), published, "production", Heritage(sequence=1)).sequence == 2


def test_beginning_anew_is_kept_in_the_history(published: Registry, sample_result: Result) -> None:
    move = job.release(numbered(sample_result, 2), published, "production", inherit(published, "production", anew=True))
    assert "begun anew" in move.why


def test_a_refused_model_is_published_and_not_live(published: Registry, sample_result: Result) -> None:
    gate = sample_result.made.card.gate
    assert gate is not None
    checks = (replace(gate.checks[0], passed=False, says="nothing is apart"), *gate.checks[1:])
    refused = numbered(sample_result, 2, gate=Verdict(predecessor=None, passed=False, checks=checks))
    with pytest.raises(GateRefusedError, match="structure: nothing is apart") as caught:
        job.release(refused, published, "production")
    assert caught.value.exit_status == 3
    assert len(published.moves("production")) == 1
    assert "20260102T000000Z-00000000" in published.versions()


class Forgetful(DirectoryStore):
    """A store that gives back another file than it was given."""

    loses = ""

    def create(self, key: str, content: bytes) -> bool:
        return super().create(key, content + b"\0" if key.endswith(self.loses) else content)


@pytest.mark.parametrize("file", ["scoring.npz", "model.pkl", "features.sql"])
def test_what_is_read_back_must_prove_itself_before_it_is_live(
    tmp_path: Path, sample_result: Result, file: str
) -> None:
    store = Forgetful(tmp_path / "models")
    store.loses = file
    registry = Registry(store)
    with pytest.raises(GateRefusedError, match=f"read back, it does not prove itself: {file}"):
        job.release(sample_result, registry, "production")
    assert registry.moves("production") == []


def test_moves_of_earlier_releases_are_read_as_not_forced(published: Registry, tmp_path: Path) -> None:
    path = Path(published.url, "aliases/production/0000000001.json")
    path.write_bytes(path.read_bytes().replace(b',"forced":false', b""))
    assert b"forced" not in path.read_bytes()
    assert published.live("production").forced is False


def test_ids_of_a_version_that_is_gone_are_not_given_again(published: Registry, sample_result: Result) -> None:
    gone = numbered(sample_result, 2, next_id=16).made
    put_live(published, gone, "ids 11 to 15")
    folder = Path(published.url) / "models" / gone.card.version
    (folder / "card.json").write_bytes(gone.card_content + b"x")
    assert inherit(published, "production", anew=True).next_id >= 2000
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert inherit(published, "production", anew=True).next_id >= 2000
    with pytest.raises(RegistryError) as refused:
        inherit(published, "production")
    assert "--anew" in refused.value.hint
    # Once a version tells ids beyond, they go on from there.
    after = numbered(sample_result, 3, next_id=2005).made
    put_live(published, after, "begun anew")
    assert inherit(published, "production").next_id == 2005
