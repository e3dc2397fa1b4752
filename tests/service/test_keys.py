"""API keys: made, listed, revoked, and seen by a running service."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from segmentation.errors import ConfigurationError, SegmentationError
from service import key_ring, keys
from service.__main__ import cli
from service.key_ring import KeyRing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "SECONDS_BETWEEN_LOOKS", 0.0)


def command(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["keys", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_key_is_shown_once_and_only_its_digest_is_kept(path: Path) -> None:
    printed = command("new", "--name", "crm", "--scope", "predict", "--scope", "read", "--file", str(path))
    secret = printed.strip()
    assert re.fullmatch(r"seg_[A-Za-z0-9_-]{43}", secret)
    content = path.read_text()
    assert secret not in content
    (kept,) = json.loads(content)["keys"]
    assert kept["sha256"] == sha256(secret.encode()).hexdigest()
    assert (kept["name"], kept["scopes"]) == ("crm", ["predict", "read"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_keys_are_listed_and_revoked(path: Path) -> None:
    for name in ("crm", "shop-2"):
        command("new", "--name", name, "--scope", "read", "--file", str(path))
    path.chmod(0o640)
    assert [line.split()[0] for line in command("list", "--file", str(path)).splitlines()] == ["crm", "shop-2"]
    command("revoke", "crm", "--file", str(path))
    assert [line.split()[0] for line in command("list", "--file", str(path)).splitlines()] == ["shop-2"]
    # Whoever may read it was decided by its owner.
    assert path.stat().st_mode & 0o777 == 0o640


def test_mistakes_are_told(path: Path) -> None:
    command("new", "--name", "crm", "--scope", "read", "--file", str(path))
    for arguments, said in (
        (("new", "--name", "crm", "--scope", "read"), "has a key named 'crm'"),
        (("new", "--name", "a b", "--scope", "read"), "cannot name a key"),
        (("revoke", "cmr"), "no key named 'cmr'"),
    ):
        with pytest.raises(SegmentationError, match=said):
            command(*arguments, "--file", str(path))
    with pytest.raises(SegmentationError, match="cannot be opened"):
        command("new", "--name", "x", "--scope", "read", "--file", str(path.parent / "absent" / "keys.json"))
    assert CliRunner().invoke(cli, ["keys", "new", "--name", "x", "--file", str(path)]).exit_code == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no file of API keys"),
        (b"[]", "no file of API keys"),
        (b'{"keys": [{"name": "a"}]}', r"keys\[0\]"),
        (b'{"keys": [], "more": 1}', "more"),
        (b'{"keys": [%s, %s]}' % ((b'{"name":"a","scopes":["read"],"sha256":"%s","created_at":"2026-01-01T00:00:00Z"}'
                                   % (b"0" * 64),) * 2), "the name of an earlier key"),
        (b'{"keys": [{"name":"a","scopes":["all"],"sha256":"%s","created_at":"2026-01-01T00:00:00Z"}]}' % (b"0" * 64),
         "scopes"),
        (b'{"keys": [{"name":"a","scopes":["read"],"sha256":"short","created_at":"2026-01-01T00:00:00Z"}]}', "sha256"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_with_the_place(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        keys.read(path)


def test_keys_made_at_once_are_all_kept(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda number: keys.add(path, f"k{number}", ("read",)), range(16)))
    known = keys.read(path)
    assert {key.name for key in known} == {f"k{number}" for number in range(16)}
    assert all(keys.find(known, secret) for secret in secrets)


def test_keys_change_over_without_a_gap(path: Path) -> None:
    old = keys.add(path, "crm-1", ("predict",))
    ring = KeyRing(path)
    new = keys.add(path, "crm-2", ("predict",))
    assert [ring.find(secret) is not None for secret in (old, new)] == [True, True]
    keys.revoke(path, "crm-1")
    assert [ring.find(secret) is not None for secret in (old, new)] == [False, True]


def test_a_broken_file_leaves_the_keys_as_they_were_and_is_said_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = keys.add(path, "crm", ("read",))
    good = path.read_bytes()
    ring = KeyRing(path)
    path.write_bytes(good[:-20])
    for _ in range(3):
        assert ring.find(secret)
    assert "is no file of API keys" in ring.failure
    path.unlink()
    for _ in range(3):
        assert ring.find(secret)
    assert "cannot be read" in ring.failure
    assert caplog.text.count("the API keys stay as they were") == 2
    path.write_bytes(good.replace(b'"crm"', b'"erp"'))
    found = ring.find(secret)
    assert found is not None
    assert (found.name, ring.failure) == ("erp", "")
    assert secret not in caplog.text


def test_a_volume_of_kubernetes_that_swaps_its_link_is_followed(tmp_path: Path) -> None:
    folders = [tmp_path / "..1", tmp_path / "..2"]
    secrets = []
    for folder in folders:
        folder.mkdir()
        secrets.append(keys.add(folder / "keys.json", "crm", ("read",)))
    (tmp_path / "..data").symlink_to(folders[0])
    path = tmp_path / "keys.json"
    path.symlink_to("..data/keys.json")
    ring = KeyRing(path)
    assert ring.find(secrets[0])
    (tmp_path / "..new").symlink_to(folders[1])
    (tmp_path / "..new").replace(tmp_path / "..data")
    assert [ring.find(secret) is not None for secret in secrets] == [False, True]


def test_a_change_goes_through_a_link_to_the_file_behind_it(tmp_path: Path) -> None:
    real = tmp_path / "real.json"
    keys.add(real, "a", ("read",))
    link = tmp_path / "link.json"
    link.symlink_to(real)
    keys.add(link, "b", ("read",))
    assert link.is_symlink()
    assert [key.name for key in keys.read(real)] == ["a", "b"]


def test_an_empty_list_lets_nobody_in(path: Path) -> None:
    secret = keys.add(path, "crm", ("read",))
    keys.revoke(path, "crm")
    assert KeyRing(path).find(secret) is None


def test_the_file_is_looked_at_once_a_second_at_most(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.add(path, "crm", ("read",))
    ring = KeyRing(path)
    monkeypatch.setattr(key_ring, "SECONDS_BETWEEN_LOOKS", 3600.0)
    looked = Mock(wraps=os.stat)
    monkeypatch.setattr(os, "stat", looked)
    for _ in range(100):
        ring.find("x")
    assert looked.call_count == 1
