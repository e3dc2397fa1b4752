"""One suite for every place a registry can live in: a directory, S3 as moto plays it, and S3 by Ceph."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from segmentation import card as cards
from segmentation import model
from segmentation.errors import (
    ConfigurationError,
    InconsistentModelError,
    LostRaceError,
    StoreAccessError,
    StoreUnavailableError,
    UnknownAliasError,
    UnknownVersionError,
    VersionExistsError,
)
from segmentation.registry import Registry, Store, open_registry, open_store, removal
from tests.segmentation import dying_publisher as dying
from tests.servers.service import ROOT
from training import job

OLD, NEW = "20250101T000000Z-00000001", "20260101T000000Z-00000002"


@pytest.fixture
def store(url: str) -> Store:
    return open_store(url)


@pytest.fixture
def two_versions(url: str) -> Registry:
    registry = open_registry(url)
    for version in (OLD, NEW):
        registry.publish(version, f"card of {version}".encode(), {"scoring.npz": b"arrays", "features.sql": b"sql"})
    return registry


def move(registry: Registry, version: str, why: str = "test") -> int:
    return registry.move("production", version, at="2026-01-01T00:00:00Z", by="tester", why=why).sequence


def test_a_key_is_written_once(store: Store) -> None:
    assert store.read("a/b") is None
    assert store.create("a/b", b"first")
    assert not store.create("a/b", b"second")
    assert store.read("a/b") == b"first"


def test_keys_are_listed_in_order_below_a_prefix(store: Store) -> None:
    for key in ("b/2", "b/10", "a/1", "b/1"):
        store.create(key, b"")
    assert store.list("b/") == ["b/1", "b/10", "b/2"]
    assert store.list("nothing/") == []


def test_of_many_who_create_a_key_one_wins(store: Store) -> None:
    start, won = threading.Barrier(8), []

    def create(number: int) -> None:
        start.wait()
        if store.create("contested", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("contested") == str(won[0]).encode()


def test_a_version_appears_with_its_card_and_is_never_written_again(two_versions: Registry) -> None:
    assert two_versions.versions() == [OLD, NEW]
    assert two_versions.read_file(NEW, "scoring.npz") == b"arrays"
    with pytest.raises(VersionExistsError):
        two_versions.publish(NEW, b"another card", {})
    assert two_versions.read_card(NEW) == f"card of {NEW}".encode()


def test_a_version_without_a_card_is_not_there_and_can_be_finished(url: str) -> None:
    registry = open_registry(url)
    # What a job leaves that is killed before its card is written.
    open_store(url).create(f"models/{NEW}/scoring.npz", b"arrays")
    assert registry.versions() == []
    with pytest.raises(VersionExistsError, match=r"another scoring\.npz"):
        registry.publish(NEW, b"card", {"scoring.npz": b"other arrays"})
    registry.publish(NEW, b"card", {"scoring.npz": b"arrays"})
    assert registry.versions() == [NEW]


def test_the_latest_move_is_live_and_the_moves_are_the_history(two_versions: Registry) -> None:
    assert [move(two_versions, version, why) for version, why in ((OLD, "first"), (NEW, "better"), (OLD, "back"))] == [
        1,
        2,
        3,
    ]
    live = two_versions.live("production")
    assert (live.version, live.sequence, live.by, live.why) == (OLD, 3, "tester", "back")
    assert live.card_digest == cards.digest(two_versions.read_card(OLD))
    assert [item.why for item in two_versions.moves("production")] == ["first", "better", "back"]
    following = two_versions.next_move("production", 1)
    assert following is not None
    assert following.version == NEW
    assert two_versions.next_move("production", 3) is None


def test_files_of_other_tools_are_passed_over(url: str, two_versions: Registry) -> None:
    move(two_versions, NEW)
    store = open_store(url)
    for key in ("aliases/production/notes.txt", "aliases/production/.DS_Store", "models/zzz/card.json"):
        store.create(key, b"not ours")
    assert two_versions.live("production").version == NEW
    assert len(two_versions.moves("production")) == 1
    assert two_versions.versions() == [OLD, NEW]


def test_each_rollback_goes_one_further_back(url: str) -> None:
    registry = open_registry(url)
    versions = [f"2025010{number}T000000Z-00000001" for number in (1, 2, 3)]
    for version in versions:
        registry.publish(version, b"card", {})
        move(registry, version)
    first, second, third = versions
    assert registry.previous("production") == second
    move(registry, second)
    assert registry.previous("production") == first
    move(registry, first)
    assert registry.previous("production") is None
    move(registry, third)
    assert registry.previous("production") == first


def test_an_answer_that_got_lost_is_not_taken_for_a_lost_race(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first PUT is carried out but answered 500; botocore's second is refused for what the first wrote."""
    send, answers = URLLib3Session.send, []

    def lose_the_first(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        answer: AWSResponse = send(session, request)
        if request.method == "PUT" and "a/b" in request.url:
            answers.append(answer.status_code)
            answer.status_code = 500 if len(answers) == 1 else answer.status_code
        return answer

    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    monkeypatch.setattr(URLLib3Session, "send", lose_the_first)
    store = open_store(s3_url)
    assert store.create("a/b", b"ours")
    assert answers == [200, 412]
    assert not store.create("a/b", b"theirs")


def test_of_sixteen_who_publish_at_once_one_wins_each_number_and_nothing_is_lost(real_url: str) -> None:
    everybody_looked = threading.Barrier(16)

    def publish(number: int) -> tuple[int, str, int]:
        registry, version = open_registry(real_url), f"20260101T0000{number:02}Z-0000000a"
        listed, lost = registry._store.list, 0

        def list_then_wait_for_all(prefix: str) -> list[str]:
            registry._store.list = listed  # type: ignore[method-assign]
            keys = listed(prefix)
            everybody_looked.wait()
            return keys

        registry.publish(version, b"card", {"scoring.npz": version.encode()})
        registry._store.list = list_then_wait_for_all  # type: ignore[method-assign]
        while True:
            try:
                return move(registry, version), version, lost
            except LostRaceError:
                lost += 1

    with ThreadPoolExecutor(16) as publishers:
        done = sorted(publishers.map(publish, range(16)))
    registry = open_registry(real_url)
    assert [number for number, _, _ in done] == list(range(1, 17))
    assert [(item.sequence, item.version) for item in registry.moves("production")] == [item[:2] for item in done]
    # All saw an empty history, so all but one lost at first.
    assert sum(lost > 0 for _, _, lost in done) == 15
    assert registry.versions() == sorted(version for _, version, _ in done)
    assert all(registry.read_file(version, "scoring.npz") == version.encode() for _, version, _ in done)


def test_a_publisher_killed_at_any_step_leaves_nothing_half_visible(real_url: str) -> None:
    command = [sys.executable, "-m", "tests.segmentation.dying_publisher", real_url]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert killed.returncode == 0, killed.stderr
    above = open_store(real_url)
    for place, (write, phase) in enumerate(dying.STEPS):
        store, written = dying.Below(above, place), write + (phase == "after")
        registry, complete = Registry(store), written > len(dying.FILES)
        assert store.list("") == sorted(dying.WRITES[:written]), (write, phase)
        assert registry.versions() == [dying.VERSION] * complete
        if complete:
            with pytest.raises(VersionExistsError):
                dying.publish(registry)
            assert move(registry, dying.VERSION) == 1 + (written == len(dying.WRITES))
        else:
            dying.publish(registry)
            assert registry.read_card(dying.VERSION) == dying.CARD
        assert registry.live("production").version == dying.VERSION


def test_more_than_nine_moves_keep_their_order(two_versions: Registry) -> None:
    for _ in range(12):
        move(two_versions, OLD)
    move(two_versions, NEW)
    assert two_versions.live("production").sequence == 13
    assert two_versions.live("production").version == NEW


def test_who_loses_the_race_for_a_move_is_told(two_versions: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    store = two_versions._store
    listed = store.list

    def list_then_be_overtaken(prefix: str) -> list[str]:
        keys = listed(prefix)
        monkeypatch.setattr(store, "list", listed)
        move(two_versions, OLD, "faster")
        return keys

    monkeypatch.setattr(store, "list", list_then_be_overtaken)
    with pytest.raises(LostRaceError) as lost:
        move(two_versions, NEW, "slower")
    assert lost.value.exit_status == 4
    assert [item.why for item in two_versions.moves("production")] == ["faster"]


def test_a_removed_version_is_gone_with_every_file(url: str, two_versions: Registry) -> None:
    store = open_store(url)
    store.create(f"models/{OLD}/plots/k-means.png", b"picture")
    move(two_versions, NEW)
    assert removal.remove(two_versions, store, OLD)
    assert two_versions.versions() == [NEW]
    assert store.list(f"models/{OLD}/") == []
    assert not removal.remove(two_versions, store, NEW)
    assert two_versions.read_file(NEW, "scoring.npz") == b"arrays"
    assert removal.aliases(store) == ["production"]
    two_versions.publish(OLD, b"card", {"scoring.npz": b"other arrays"})


def test_a_removal_that_breaks_off_leaves_nothing_half_visible(
    url: str, two_versions: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, deleted = open_store(url), 0
    delete = store.delete

    def delete_two(key: str) -> None:
        nonlocal deleted
        deleted += 1
        if deleted > 2:
            raise StoreUnavailableError("gone")
        delete(key)

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", delete_two)
        with pytest.raises(StoreUnavailableError):
            removal.remove(two_versions, store, OLD)
    assert two_versions.versions() == [NEW]
    assert removal.incomplete(store) == [OLD]
    assert removal.remove(two_versions, store, OLD)
    assert removal.incomplete(store) == []


def test_who_promotes_what_is_being_removed_keeps_it_or_is_told(
    url: str, two_versions: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(url)
    delete, create = store.delete, two_versions._store.create

    def delete_late(key: str) -> None:
        monkeypatch.setattr(store, "delete", delete)
        move(two_versions, OLD)
        delete(key)

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", delete_late)
        assert not removal.remove(two_versions, store, OLD)
    assert two_versions.read_card(OLD) == f"card of {OLD}".encode()

    def create_late(key: str, content: bytes) -> bool:
        assert removal.remove(open_registry(url), store, NEW)
        return create(key, content)

    monkeypatch.setattr(two_versions._store, "create", create_late)
    with pytest.raises(LostRaceError, match="was being deleted"):
        move(two_versions, NEW)


def test_what_is_not_there_is_named(two_versions: Registry) -> None:
    with pytest.raises(UnknownAliasError, match="production"):
        two_versions.live("production")
    with pytest.raises(UnknownVersionError, match="20270101T000000Z-00000003"):
        move(two_versions, "20270101T000000Z-00000003")
    with pytest.raises(UnknownVersionError):
        two_versions.read_card("../../etc/passwd")
    with pytest.raises(InconsistentModelError, match=r"model\.pkl"):
        two_versions.read_file(NEW, "model.pkl")
    with pytest.raises(ConfigurationError, match="alias"):
        two_versions.live("../production")


def test_a_move_that_was_copied_to_another_place_is_refused(url: str, two_versions: Registry) -> None:
    move(two_versions, OLD)
    store = open_store(url)
    copied = store.read("aliases/production/0000000001.json")
    assert copied is not None
    store.create("aliases/production/0000000002.json", copied)
    with pytest.raises(InconsistentModelError, match="another place"):
        two_versions.live("production")


def test_a_trained_model_comes_back_and_proves_itself(url: str, sample_result: job.Result) -> None:
    registry = open_registry(url)
    released = job.release(sample_result, registry, "production")
    card = registry.read_card(released.version)
    files = {name: registry.read_file(released.version, name) for name in model.NEEDED_TO_SERVE}
    assert model.assemble(card, files).version == released.version
    model.verify(cards.decode(card), files | {model.PIPELINE: registry.read_file(released.version, model.PIPELINE)})


@pytest.mark.usefixtures("s3_url")
def test_a_bucket_that_is_not_there_is_named() -> None:
    with pytest.raises(StoreAccessError, match="no such bucket"):
        open_registry("s3://another-bucket/x").versions()


@pytest.mark.ceph
def test_wrong_keys_are_refused_and_told_apart(on_ceph: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed")
    with pytest.raises(StoreAccessError, match="the secret key is wrong") as refused:
        open_registry(on_ceph).versions()
    assert refused.value.exit_status == 2
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(StoreAccessError, match="the access key is unknown"):
        open_store(on_ceph).create("a/b", b"")
