"""A disk that is full, as the kernel has it: a file system of 64 kB."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.scrapes import all_serve, scrape, until, workers
from tests.reliability.stage import Stage, prepare, remade
from tests.servers import service
from training.bundle import Bundle


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which a directory or an empty file can be made, and nothing be written."""
    folder = tmp_path_factory.mktemp("full")
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root may mount a file system of 64 kB")
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"a file system of 64 kB cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        (folder / "filler").write_bytes(bytes(shutil.disk_usage(folder).free))
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, made: Bundle, full: Path) -> Stage:
    """Its cache is in the full folder."""
    return prepare(tmp_path_factory.mktemp("stage"), made, cache_dir=str(full / "cache"))


def test_a_full_cache_directory_costs_a_warning_and_the_next_start_without_the_registry(
    stage: Stage, full: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage.restarted()
    assert "the model cache fails, and nothing is kept for a restart" in caplog.text
    assert "No space left on device" in caplog.text
    version = "20970101T000000Z-00000001"
    stage.publish(remade(stage.first, version))
    assert stage.live.refresh()
    assert stage.live.failed is None
    found = stage.scrape()
    assert workers(found) == {version: 1}
    assert found["segmentation_reload_last_failure_timestamp_seconds", ""] == 0
    stage.heal()
    stage.serves_only(stage.first)
    gone = stage.folder.with_name("gone")
    stage.folder.rename(gone)
    try:
        client, _ = stage.restarted()
        assert client.get("/readyz").status_code == 503
        assert client.post("/predict", json=stage.requests[0]).status_code == 503
    finally:
        gone.rename(stage.folder)
    assert [path for path in full.rglob("*") if path.is_file() and path.stat().st_size] == [full / "filler"]


def test_a_temporary_folder_that_fills_up_costs_shared_counts_and_no_worker(
    stage: Stage, full: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (full / "filler").unlink()
    monkeypatch.setenv("TMPDIR", str(full))
    key = stage.settings.public_key_file
    with service.running(stage.registry.url, tmp_path / "log", PUBLIC_KEY_FILE=key) as running:
        version = stage.first.card.version
        until(all_serve(running, version), "both workers")
        (full / "filler").write_bytes(bytes(shutil.disk_usage(full).free))
        victim, survivor = running.workers()
        for _ in range(20):
            assert running.post("/predict", stage.requests[0]).status == 200
        os.kill(victim, signal.SIGKILL)
        until(lambda: "counts are not shared" in running.log.read_text(), "a worker that finds the disk full")
        until(lambda: len(running.workers()) == 2, "two workers")
        pids = running.workers()
        assert survivor in pids
        for _ in range(30):
            assert running.post("/predict", stage.requests[0]).status == 200
        assert running.workers() == pids
        # The worker without a share is seen by those alone who ask itself.
        assert {sum(workers(scrape(running)).values()) for _ in range(10)} <= {1, 2}
