"""The job's keys: how they are made, and that what it publishes and reads is signed."""

import errno
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from segmentation import card as cards
from segmentation.errors import ConfigurationError, ModelError, RegistryError, SignatureError
from segmentation.opening import open_signed
from segmentation.registry import Registry, open_registry
from segmentation.registry.signatures import load_verifier
from segmentation.settings import Settings
from tests.conftest import put_live
from tests.signing_keys import pair
from training import job
from training.bundle import Bundle
from training.cli import cli
from training.heritage import RULES_END, inherit
from training.signing import generate

NEXT = "20970101T000000Z-00000000"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    private, public = generate(tmp_path / "keys")
    return Settings(
        registry=str(tmp_path / "models"), signing_key_file=str(private), public_key_file=str(public)
    )  # fmt: skip


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return open_signed(settings.registry, settings, writing=True)


def renamed(made: Bundle, version: str) -> Bundle:
    card = replace(made.card, version=version)
    return Bundle(card=card, card_content=cards.encode(card), files=made.files)


def run(settings: Settings, *arguments: str) -> Result:
    environment = {
        "SEGMENTATION_REGISTRY": settings.registry,
        "SEGMENTATION_SIGNING_KEY_FILE": settings.signing_key_file,
        "SEGMENTATION_PUBLIC_KEY_FILE": settings.public_key_file,
    }
    return CliRunner().invoke(cli, ["models", *arguments], env=environment)


def test_keys_are_made_for_their_owner_and_never_overwritten(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["models", "keygen", "--out", str(tmp_path / "keys")])
    assert done.exit_code == 0
    private, public = tmp_path / "keys/signing.key", tmp_path / "keys/signing.pub"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "SEGMENTATION_SIGNING_KEY_FILE" in done.output
    contents = private.read_bytes(), public.read_bytes()
    for path in (private, public):
        with pytest.raises(ConfigurationError, match="already"):
            generate(tmp_path / "keys")
        path.unlink()
        with pytest.raises(ConfigurationError, match="already"):
            generate(tmp_path / "keys")
        path.write_bytes(contents[path == public])


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="cannot be written to"):
        generate(tmp_path / "file")


def test_a_released_model_is_signed_and_handed_down(
    registry: Registry, settings: Settings, sample_result: job.Result
) -> None:
    move = job.release(sample_result, registry, "production")
    reader = open_registry(settings.registry, verifier=load_verifier(settings.public_key_file))
    assert reader.live("production") == move
    assert len(move.signature) == 128
    handed = inherit(reader, "production")
    assert handed.model is not None
    assert handed.model.version == move.version


def test_promotion_and_rollback_are_signed(registry: Registry, settings: Settings, sample_result: job.Result) -> None:
    job.release(sample_result, registry, "production")
    put_live(registry, renamed(sample_result.made, NEXT), "newer")
    assert run(settings, "rollback").exit_code == 0
    assert registry.live("production").version == sample_result.made.card.version
    assert run(settings, "promote", NEXT).exit_code == 0
    assert registry.live("production").sequence == 4


def test_the_job_neither_compares_with_nor_promotes_what_is_unsigned(
    registry: Registry, settings: Settings, sample_result: job.Result
) -> None:
    job.release(sample_result, registry, "production")
    put_live(open_registry(settings.registry), renamed(sample_result.made, NEXT), "no key")
    with pytest.raises(RegistryError, match=r"move 2, cannot be compared with: .*0000000002\.json is not signed"):
        inherit(registry, "production")
    for arguments in (["promote", NEXT], ["rollback"]):
        refused = run(settings, *arguments)
        assert isinstance(refused.exception, SignatureError)
    assert inherit(registry, "production", anew=True).next_id == sample_result.made.card.next_id
    # A signed move on top of it mends the alias.
    assert run(settings, "promote", sample_result.made.card.version).exit_code == 0
    assert registry.live("production").sequence == 3


def test_a_registry_without_signatures_is_taken_over_by_signing_first_and_verifying_then(
    settings: Settings, sample_result: job.Result
) -> None:
    put_live(open_registry(settings.registry), sample_result.made, "before there were keys")
    signing = open_signed(settings.registry, replace(settings, public_key_file=""), writing=True)
    assert inherit(signing, "production").model is not None
    put_live(signing, renamed(sample_result.made, NEXT), "the first signed one")
    both = open_signed(settings.registry, settings, writing=True)
    handed = inherit(both, "production")
    assert handed.model is not None
    assert (handed.model.version, handed.next_id) == (NEXT, sample_result.made.card.next_id)
    with pytest.raises(ModelError):
        both.card(sample_result.made.card.version)


def test_keys_that_do_not_belong_together_are_refused_before_anything_is_done(
    settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="SEGMENTATION_SIGNING_KEY_FILE is not"):
        open_signed(settings.registry, replace(settings, signing_key_file=""), writing=True)
    pair(tmp_path / "others")
    with pytest.raises(ConfigurationError, match="lacks the public half"):
        open_signed(
            settings.registry,
            replace(settings, signing_key_file=str(tmp_path / "others/signing.key")),
            writing=True,
        )
    assert open_signed(settings.registry, replace(settings, signing_key_file="")).verifies


def test_after_a_change_of_keys_old_models_can_be_listed_and_pruned(settings: Settings, tmp_path: Path) -> None:
    """The first half of a history is by a key that nobody trusts any more, as the runbook leaves it."""
    private, public = generate(tmp_path / "keys-2")
    new = replace(settings, signing_key_file=str(private), public_key_file=str(public))
    for number, key in enumerate((settings, settings, settings, new, new, new), start=1):
        registry = open_signed(key.registry, key, writing=True)
        version = f"2097010{number}T000000Z-0000000a"
        registry.publish(version, f'{{"version": "{version}", "next_id": {number}}}'.encode(), {})
        registry.move("production", version, at="2097-01-01T00:00:00Z", by="tester", why="test")
    listed = run(new, "list")
    assert listed.exit_code == 0
    assert listed.stdout.count("signature not trusted") == 3
    pruned = run(new, "prune", "--keep", "2")
    assert pruned.exit_code == 0, pruned.output
    assert pruned.stdout.count("  deleted") == 4
    # Back to a key that still holds it: the history tells of all, and what a move by it names is not deleted.
    assert len(open_registry(new.registry).moves("production")) == 6
    assert run(settings, "prune", "--keep", "1").exit_code == 1, "the latest move is by a key not trusted"


def test_ids_that_a_key_no_longer_trusted_gave_are_not_given_again(settings: Settings, tmp_path: Path) -> None:
    """A key became known and went at once; what its models called 0 to 4 is known to campaigns all the same."""
    registry = open_signed(settings.registry, settings, writing=True)
    registry.publish(NEXT, f'{{"version": "{NEXT}", "next_id": 5}}'.encode(), {})
    registry.move("production", NEXT, at="2097-01-01T00:00:00Z", by="tester", why="test")
    private, public = generate(tmp_path / "keys-2")
    new = replace(settings, signing_key_file=str(private), public_key_file=str(public))
    assert inherit(open_signed(new.registry, new), "production", anew=True).next_id == RULES_END


def test_moves_that_are_left_out_are_said_in_one_line(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    unsigned = open_registry(settings.registry)
    unsigned.publish(NEXT, b"card", {})
    for _ in range(3):
        unsigned.move("production", NEXT, at="2097-01-01T00:00:00Z", by="tester", why="test")
    registry = open_signed(settings.registry, settings)
    assert registry.moves("production") == registry.moves("production") == []
    assert [record.getMessage() for record in caplog.records] == [
        "aliases/production/0000000001.json is not signed; it is left out of the history, as 2 more"
    ]


def test_half_a_pair_of_keys_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def full(path: Path, *flags: int) -> int:
        if Path(path).name == "signing.pub":
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, *flags)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        generate(tmp_path / "keys")
    assert list((tmp_path / "keys").iterdir()) == []
    monkeypatch.undo()
    assert generate(tmp_path / "keys")[0].exists()
