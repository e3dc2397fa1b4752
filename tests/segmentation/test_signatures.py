"""Whoever holds no key cannot make a card or a move that is taken for the job's."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from segmentation import card as cards
from segmentation.errors import ConfigurationError, InconsistentModelError, ModelError, SignatureError
from segmentation.model import Model, assemble, verify
from segmentation.registry import Move, Registry, moves, open_registry
from segmentation.registry.signatures import Signer, Verifier, load_signer, load_verifier
from tests.conftest import put_live
from tests.signing_keys import pair
from training import job
from training.bundle import Bundle

MUTATIONS = 500


class Memory:
    """A store whose owner may change everything."""

    url = "memory"

    def __init__(self, content: dict[str, bytes] | None = None) -> None:
        self.content = content if content is not None else {}

    def read(self, key: str) -> bytes | None:
        return self.content.get(key)

    def create(self, key: str, content: bytes) -> bool:
        return self.content.setdefault(key, content) is content

    def delete(self, key: str) -> None:
        self.content.pop(key, None)

    def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self.content if key.startswith(prefix))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Signer, Verifier]:
    return pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def store(keys: tuple[Signer, Verifier], sample_result: job.Result) -> Memory:
    """The sample model, published and made live with the key."""
    memory = Memory()
    put_live(Registry(memory, signer=keys[0]), sample_result.made, "test")
    return memory


def renamed(made: Bundle, version: str = "20990101T000000Z-00000000") -> Bundle:
    card = replace(made.card, version=version)
    return Bundle(card=card, card_content=cards.encode(card), files=made.files)


def read_all(registry: Registry) -> tuple[Move, dict[str, bytes], bytes]:
    """Everything that the alias leads to, verified."""
    move = registry.live("production")
    content = registry.signed_card_of(move).content
    card = cards.decode(content)
    files = {name: registry.read_file(move.version, name) for name in card.files}
    verify(card, files)
    return move, files, content


def load(registry: Registry) -> Model:
    _, files, card = read_all(registry)
    return assemble(card, files)


def test_one_changed_byte_of_any_file_is_refused_and_the_file_named(
    store: Memory, keys: tuple[Signer, Verifier], sample_result: job.Result
) -> None:
    rng, registry = random.Random(20260101), Registry(store, verifier=keys[1])
    assert load(registry).version == sample_result.made.card.version
    names = sorted(store.content)
    assert {name.rpartition("/")[2] for name in names} >= {"card.json", "card.sig", "model.pkl", "0000000001.json"}
    for number in range(MUTATIONS):
        # Every file in turn: the moves are short, and the arrays long.
        name = names[number % len(names)]
        content = bytearray(store.content[name])
        position = rng.randrange(len(content))
        content[position] ^= rng.randrange(1, 256)
        changed = Registry(Memory(store.content | {name: bytes(content)}), verifier=keys[1])
        with pytest.raises(ModelError) as refused:
            read_all(changed)
        assert name.rpartition("/")[2] in refused.value.message, (name, position, content[position])
    assert load(registry).version == sample_result.made.card.version


FORGED = "20980101T000000Z-00000000"


def unsigned(store: Memory, made: Bundle, _: Path) -> None:
    put_live(Registry(store), renamed(made, FORGED), "no key")


def unsigned_card(store: Memory, _made: Bundle, _: Path) -> None:
    del store.content[f"models/{Registry(store).live('production').version}/card.sig"]


def another_key(store: Memory, made: Bundle, folder: Path) -> None:
    put_live(Registry(store, signer=pair(folder)[0]), renamed(made, FORGED), "another key")


def swapped_files(store: Memory, made: Bundle, _: Path) -> None:
    """The live version's card and signature are those of another signed version."""
    live = Registry(store).live("production").version
    for name in ("card.json", "card.sig"):
        store.content[f"models/{live}/{name}"] = store.content[f"models/{made.card.version}/{name}"]


def swapped_signature(store: Memory, made: Bundle, _: Path) -> None:
    live = Registry(store).live("production").version
    store.content[f"models/{live}/card.sig"] = store.content[f"models/{made.card.version}/card.sig"]


def move_of_another_alias(store: Memory, _made: Bundle, _: Path) -> None:
    store.content["aliases/production/0000000002.json"] = store.content["aliases/trial/0000000002.json"]


def renamed_move_of_another_alias(store: Memory, _made: Bundle, _: Path) -> None:
    content = store.content["aliases/trial/0000000002.json"]
    store.content["aliases/production/0000000002.json"] = content.replace(b'"trial"', b'"production"')


def renumbered_move(store: Memory, _made: Bundle, _: Path) -> None:
    content = store.content["aliases/production/0000000001.json"]
    store.content["aliases/production/0000000002.json"] = content.replace(b'"sequence":1', b'"sequence":2')


def stripped_move(store: Memory, _made: Bundle, _: Path) -> None:
    key = "aliases/production/0000000001.json"
    store.content[key] = store.content[key].partition(b',"signature"')[0] + b"}"


def spaced_move(store: Memory, _made: Bundle, _: Path) -> None:
    store.content["aliases/production/0000000001.json"] += b"\n"


@pytest.mark.parametrize(
    ("attack", "file", "said"),
    [
        (unsigned, "0000000002.json", "is not signed"),
        (unsigned_card, "card.json", "is not signed"),
        (another_key, "0000000002.json", "any trusted key"),
        (swapped_files, "card.json", "is the card of"),
        (swapped_signature, "card.json", "any trusted key"),
        (move_of_another_alias, "0000000002.json", "another place"),
        (renamed_move_of_another_alias, "0000000002.json", "any trusted key"),
        (renumbered_move, "0000000002.json", "any trusted key"),
        (stripped_move, "0000000001.json", "is not signed"),
        (spaced_move, "0000000001.json", "not as it was written"),
    ],
)
def test_what_the_key_s_holder_did_not_say_is_refused(
    store: Memory, keys: tuple[Signer, Verifier], sample_result: job.Result, tmp_path: Path,
    attack: Callable[[Memory, Bundle, Path], None], file: str, said: str,
) -> None:  # fmt: skip
    made, job_s = renamed(sample_result.made), Registry(store, signer=keys[0])
    job_s.publish(made.card.version, made.card_content, made.files)
    for _ in range(2):
        job_s.move("trial", made.card.version, at="2026-01-01T00:00:00Z", by="tester", why="a trial")
    service_s = Registry(store, verifier=keys[1])
    read_all(service_s)
    attack(store, made, tmp_path)
    with pytest.raises((SignatureError, InconsistentModelError), match=said) as refused:
        read_all(service_s)
    assert file in refused.value.message


def test_a_swapped_card_is_refused_by_its_move_without_keys(store: Memory, sample_result: job.Result) -> None:
    live, made = sample_result.made.card.version, renamed(sample_result.made)
    store.content[f"models/{live}/card.json"] = made.card_content
    with pytest.raises(ModelError, match=r"card\.json is not the one that 'production' was moved to"):
        read_all(Registry(store))


def test_a_move_that_is_not_trusted_is_moved_on_from_and_left_out_of_the_history(
    store: Memory, keys: tuple[Signer, Verifier], caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(store, signer=keys[0], verifier=keys[1])
    version = registry.live("production").version
    Registry(store).move("production", version, at="2026-01-01T00:00:00Z", by="intruder", why="no key")
    with pytest.raises(SignatureError):
        registry.live("production")
    again = registry.move("production", version, at="2026-01-02T00:00:00Z", by="tester", why="mended")
    assert again.sequence == 3
    assert registry.live("production") == again
    assert [move.sequence for move in registry.moves("production")] == [1, 3]
    assert "0000000002.json is not signed" in caplog.text


def test_several_trusted_keys_let_one_take_the_place_of_another(
    store: Memory, sample_result: job.Result, keys: tuple[Signer, Verifier], tmp_path: Path
) -> None:
    new, _ = pair(tmp_path / "new")
    put_live(Registry(store, signer=new), renamed(sample_result.made), "by the new key")
    _, old = pair(tmp_path / "old")
    both = tmp_path / "both.pub"
    both.write_bytes(b"# the present one\n" + (tmp_path / "old/signing.pub").read_bytes())
    with pytest.raises(SignatureError):
        read_all(Registry(store, verifier=load_verifier(str(both))))
    both.write_bytes(both.read_bytes() + (tmp_path / "new/signing.pub").read_bytes())
    assert load_verifier(str(both)).trusts(new)
    assert not old.trusts(new)
    assert read_all(Registry(store, verifier=load_verifier(str(both))))[0].why == "by the new key"


def test_what_is_signed_can_be_checked_with_the_public_key_alone(
    store: Memory, keys: tuple[Signer, Verifier], sample_result: job.Result
) -> None:
    """The signature is over the card's bytes as they are: openssl can check it."""
    signature = store.content[f"models/{sample_result.made.card.version}/card.sig"]
    assert len(signature) == 64
    keys[1].verify("card.json", sample_result.made.card_content, signature)


def test_moves_without_a_key_are_written_as_they_always_were(sample_result: job.Result) -> None:
    memory = Memory()
    put_live(Registry(memory), sample_result.made, "no key")
    content = memory.content["aliases/production/0000000001.json"]
    assert b"signature" not in content
    assert moves.encode(moves.decode("aliases/production/0000000001.json", content, None)) == content
    assert not any(key.endswith("card.sig") for key in memory.content)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.key"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"PUBLIC_KEY_FILE.*some\.key"):
        load_verifier(str(path))
    with pytest.raises(ConfigurationError, match=r"SIGNING_KEY_FILE.*some\.key"):
        load_signer(str(path))


def test_the_private_key_is_not_taken_for_the_public_one(tmp_path: Path) -> None:
    pair(tmp_path)
    with pytest.raises(ConfigurationError, match="only the job may have"):
        load_verifier(str(tmp_path / "signing.key"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_verifier(str(tmp_path / "absent"))


def test_a_signed_registry_is_read_without_a_key(store: Memory, tmp_path: Path, sample_result: job.Result) -> None:
    assert load(Registry(store)).version == sample_result.made.card.version
    assert open_registry(str(tmp_path)).verifies is False
