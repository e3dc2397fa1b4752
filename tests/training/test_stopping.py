"""A command that is told to stop, stops, whatever it is doing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from segmentation.stopping import INTERRUPTED, TERMINATED, status_of
from tests.quick import QUICK_OPTIONS
from tests.servers.service import ROOT


@pytest.fixture
def terminal() -> Iterator[None]:
    """Children are told of a terminal that closes, also where `nohup` runs the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP], ids=["told to", "terminal closed"])
def test_a_job_ends_orderly_at_a_signal_and_leaves_nothing(sent: signal.Signals, tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    job = subprocess.Popen(
        [sys.executable, "-m", "training", "run", "--registry", str(tmp_path / "models"),
         "--set", "sample.customers=400000", *QUICK_OPTIONS],
        cwd=ROOT, env=os.environ | {"SEGMENTATION_SPILL_DIR": str(spill)}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    patience = time.monotonic() + 60
    while not list(spill.iterdir()) and time.monotonic() < patience:
        time.sleep(0.05)
    job.send_signal(sent)
    said, _ = job.communicate(timeout=60)
    assert job.returncode == TERMINATED == 143
    assert ("stopped by SIGTERM" in said) == (sent == signal.SIGTERM)
    assert "Traceback" not in said
    assert list(spill.iterdir()) == []
    assert not (tmp_path / "models").exists()


def test_what_duckdb_says_of_a_signal_is_told_from_other_errors() -> None:
    interrupted, stopped = RuntimeError("Query interrupted"), Event()
    assert status_of(interrupted, stopped) == INTERRUPTED == 130
    stopped.set()
    assert status_of(interrupted, stopped) == TERMINATED
    with pytest.raises(RuntimeError, match="something else"):
        status_of(RuntimeError("something else"), stopped)
