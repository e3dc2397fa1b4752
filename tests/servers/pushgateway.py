"""A real push gateway on loopback."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.servers.service import free_port

PROGRAM = "prometheus-pushgateway"

_LABEL = re.compile(r'(\w+)="([^"]*)"')
_BORNE_BY_ALL = ("alias", "instance", "job")


@dataclass(frozen=True)
class PushGateway:
    """A running gateway."""

    url: str

    def metrics(self) -> dict[str, float]:
        """What was pushed, by name and labels as Prometheus writes them, without those that every push bears."""
        with urlopen(f"{self.url}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        told = {}
        for line in lines:
            name, _, value = line.rpartition(" ")
            labels = [f'{label}="{each}"' for label, each in _LABEL.findall(name) if label not in _BORNE_BY_ALL]
            if line.startswith("segmentation_"):
                told[name.partition("{")[0] + (f"{{{','.join(labels)}}}" if labels else "")] = float(value)
        return told

    def groups(self) -> set[tuple[str, str]]:
        """The jobs and aliases that reported."""
        with urlopen(f"{self.url}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = set()
        for line in text.splitlines():
            if line.startswith("segmentation_job_finished"):
                labels = dict(_LABEL.findall(line))
                found.add((labels["job"], labels.get("alias", "")))
        return found


@contextmanager
def running(folder: Path) -> Iterator[PushGateway]:
    """Start it, and stop it at the end; the test is skipped where there is none, and fails there in CI."""
    program = shutil.which(PROGRAM)
    if program is None:
        told = f"{PROGRAM} is not installed: `make ci-deps` installs it, as root"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(told)
        pytest.skip(told)
    address = f"127.0.0.1:{free_port()}"
    with (folder / "pushgateway.log").open("wb") as log:
        process = subprocess.Popen([program, f"--web.listen-address={address}"], stdout=log, stderr=log)
    try:
        gateway = PushGateway(f"http://{address}")
        until = time.monotonic() + 20
        while not _answers(gateway):
            assert process.poll() is None, (folder / "pushgateway.log").read_text()
            assert time.monotonic() < until, "the push gateway did not answer in 20 s"
            time.sleep(0.05)
        yield gateway
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(gateway: PushGateway) -> bool:
    try:
        with urlopen(f"{gateway.url}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
