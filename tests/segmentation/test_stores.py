"""What goes wrong before a registry is reached."""

import os
from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError, StoreAccessError, StoreUnavailableError
from segmentation.registry import open_registry, open_store
from tests.servers import ceph, s3


@pytest.mark.parametrize("url", ["", "http://example.com/models", "s3://", "gs://bucket/x"])
def test_a_url_that_is_no_registry_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_registry(url)


def test_an_s3_endpoint_that_does_not_answer_is_worth_retrying(monkeypatch: pytest.MonkeyPatch) -> None:
    s3.point_to(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailableError) as unavailable:
        open_registry("s3://models/x").versions()
    assert unavailable.value.exit_status == 5


def test_s3_without_keys_says_which_variables_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    s3.point_to(monkeypatch, "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StoreAccessError) as refused:
        open_registry("s3://models/x").versions()
    assert "AWS_ACCESS_KEY_ID" in refused.value.hint


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreAccessError):
        open_store(str(tmp_path / "file")).create("models/x", b"")
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208


def test_folders_that_go_while_a_directory_is_listed_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever lists models while others are pruned sees those that stay; so does the service, of an alias."""
    store = open_store(str(tmp_path))
    for version in ("a", "b", "c"):
        store.create(f"models/{version}/card.json", b"")
    store.create("aliases/production/0000000001.json", b"")
    entered: list[str] = []
    scandir = os.scandir

    def prune(folder: str) -> object:
        entered.append(str(folder))
        if str(folder).endswith("/b"):
            store.delete("models/b/card.json")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", prune)
    assert store.list("models/") == ["models/a/card.json", "models/c/card.json"]
    entered.clear()
    assert store.list("aliases/production/") == ["aliases/production/0000000001.json"]
    assert entered == [str(tmp_path / "aliases" / "production")], "no other folder is looked into"


def test_without_ceph_its_tests_are_skipped_and_in_ci_they_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="ceph is not installed: `make ci-deps`"):
        ceph.require()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI must have Ceph"):
        ceph.require()
