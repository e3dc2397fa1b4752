"""The service as it is run, for measurements: started, asked, looked at from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT
from segmentation import clock
from segmentation.registry import Registry
from segmentation.settings import Settings
from training import configuration, job
from training.job import Result


@dataclass(frozen=True)
class Served:
    """A running service: gunicorn's master, the port, and what it took from the start to the first 200 of /readyz."""

    process: "subprocess.Popen[bytes]"
    port: int
    seconds_to_answer: float

    def processes(self) -> list[int]:
        """The master and its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [self.process.pid, *map(int, children.split())]

    def megabytes(self) -> float:
        """Proportional set size (PSS): what is shared among processes is counted once, divided among them."""
        return sum(_kilobytes(pid, "smaps_rollup", "Pss:") for pid in self.processes()) / 1024

    def megabytes_alone(self) -> float:
        """The same where no other process of the machine has the same files mapped, as in a pod of its own."""
        anonymous = sum(_kilobytes(pid, "smaps_rollup", "Pss_Anon:", "Pss_Shmem:") for pid in self.processes())
        return anonymous / 1024 + self.megabytes_of_files()

    def megabytes_of_files(self) -> float:
        """Library files in memory, each counted once."""
        files: dict[str, int] = {}
        for pid in self.processes():
            for mapping, resident in _resident_files(pid).items():
                files[mapping] = max(files.get(mapping, 0), resident)
        return sum(files.values()) / 1024

    def descriptors(self) -> int:
        """Open files and sockets of all processes."""
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.processes())


@contextmanager
def served(registry: str, log: Path, workers: int = 2, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Start the service and wait until it is ready.

    Parameters
    ----------
    registry
        What to serve.
    log
        Where its log goes.
    workers
        How many.
    settings
        Further ones, without their prefix.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTATION_")}
    environment |= {"SEGMENTATION_REGISTRY": registry, "WEB_CONCURRENCY": str(workers)}
    environment |= {f"SEGMENTATION_{name}": value for name, value in (settings or {}).items()}
    command = [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}"]
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen([*command, "service.app:create_app()"], cwd=ROOT, env=environment, stderr=output)
    try:
        while not _ready(port):
            if process.poll() is not None or time.perf_counter() - started > 60:
                sys.exit(f"the service does not start: {log.read_text(encoding='utf-8')}")
            time.sleep(0.002)
        yield Served(process, port, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait()


def small_model() -> Result:
    """A model of a small generated shop, without a report and the like."""
    quick = ("report=null", "comparison.algorithms=[]", "refits.times=2", "refits.rows=1000", "sample.customers=1000")
    chosen = configuration.load("sample", assignments=list(quick))
    return job.make("sample", None, chosen, Settings(), created=clock.now())


def publish(result: Result, registry: Registry) -> None:
    """Make it the live one, whatever the gate says of so small a model."""
    registry.publish(result.made.card.version, result.made.card_content, result.made.files)
    move(registry, result.made.card.version)


def move(registry: Registry, version: str) -> None:
    """Move the alias to a version."""
    registry.move("production", version, at=clock.now().isoformat(), by="benchmark", why="benchmark")


def _ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(64).split(b" ", 2)[1:2] == [b"200"]
    except OSError:
        return False


def _kilobytes(pid: int, file: str, *names: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


def _resident_files(pid: int) -> dict[str, int]:
    """Kilobytes of unaltered file content in memory, by mapping."""
    found: dict[str, int] = {}
    mapping, resident = "", 0
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if not fields[0].endswith(":"):
            mapping = f"{fields[5]} {fields[2]} {fields[1]}" if len(fields) > 5 and fields[5].startswith("/") else ""
        elif fields[0] == "Rss:":
            resident = int(fields[1])
        elif fields[0] == "Anonymous:" and mapping:
            found[mapping] = found.get(mapping, 0) + resident - int(fields[1])
    return found
