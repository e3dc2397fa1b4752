"""What workers tell each other: whole or not at all, and of the living alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from service.shared_memory import STATUS_BYTES, SharedMemory
from tests.servers.service import ROOT

WORKER = """
import sys
from service.shared_memory import SharedMemory
memory = SharedMemory(3, sys.argv[1])
memory.counts[1] += 5
memory.tell(b"worker")
print("told", flush=True)
sys.stdin.read()
"""

WRITER = """
import sys
from service.shared_memory import SharedMemory
memory = SharedMemory(3, sys.argv[1])
memory.tell(b"a" * 500)
print("told", flush=True)
while True:
    for status in (b"a" * 500, b"b" * 500, b"cd" * 100):
        memory.tell(status)
"""


def test_a_status_that_is_being_written_is_never_read_in_part(tmp_path: Path) -> None:
    reader, statuses = SharedMemory(3, str(tmp_path)), {b"a" * 500, b"b" * 500, b"cd" * 100}
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"told\n"
        found = [told for _ in range(5_000) for told in reader.told()]
        writer.kill()
        writer.wait()
    assert set(found) == statuses


def test_the_dead_are_counted_and_no_longer_heard(tmp_path: Path) -> None:
    own = SharedMemory(3, str(tmp_path))
    own.tell(b"own")
    own.counts[1] += 2
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"told\n"
        assert sorted(own.told()) == [b"own", b"worker"]
        assert own.totals().tolist() == [0, 7, 0]
        worker.kill()
        worker.wait()
        assert own.told() == [b"own"]
        assert own.totals().tolist() == [0, 7, 0]


def test_a_status_that_is_too_long_is_refused_and_the_last_one_stays(tmp_path: Path) -> None:
    memory = SharedMemory(1, str(tmp_path))
    memory.tell(b"short")
    with pytest.raises(ValueError, match="does not fit"):
        memory.tell(b"x" * STATUS_BYTES)
    assert memory.told() == [b"short"]
    assert memory.counts.tolist() == [0.0]


def test_a_worker_alone_hears_itself() -> None:
    memory = SharedMemory(1, "")
    assert memory.told() == []
    memory.tell(b"here")
    assert memory.told() == [b"here"]
