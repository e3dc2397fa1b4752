"""Two containers of the service behind HAProxy, which goes by their readiness, replaced one after the other."""

import csv
import io
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.containers.stage import Serving, Stage, ready
from tests.reliability.scrapes import until
from tests.servers.service import free_port

PROGRAM = "haproxy"
DRAIN_SECONDS = "2"
"""Longer than HAProxy takes to notice: it asks every 200 ms, and one 503 is enough."""

_CONFIGURATION = """
global
  stats socket {folder}/stats mode 600
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 30s
  # A slow answer is none that says no: on a busy machine both services would be taken out at once.
  timeout check 5s
  option httpchk GET /readyz
  # What fails is told to the client, and not tried again behind its back.
  retries 0
frontend clients
  bind 127.0.0.1:{port}
  default_backend services
backend services
  balance roundrobin
  default-server check inter 200ms fall 1 rise 1
  server one 127.0.0.1:{one}
  server two 127.0.0.1:{two}
"""


def require() -> None:
    """Skip the test where there is no HAProxy; fail it there in CI."""
    found = shutil.which(PROGRAM, path=f"{os.environ['PATH']}:/usr/sbin")
    if not found and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must have {PROGRAM}: `make ci-deps` installs it, as root")
    if not found:
        pytest.skip(f"{PROGRAM} is not installed: `make ci-deps` installs it, as root")


@dataclass
class Deployment:
    """Two services and who stands before them."""

    stage: Stage
    url: str
    folder: Path
    ports: tuple[int, int]
    stacks: tuple[ExitStack, ExitStack]
    services: list[Serving]
    started: int = 0

    def start(self, number: int) -> None:
        self.started += 1
        serving = self.stage.serving(
            f"replica-{self.started}", self.ports[number], ALLOW_ANONYMOUS="true", DRAIN_SECONDS=DRAIN_SECONDS
        )
        service = self.stacks[number].enter_context(serving)
        ready(service)
        until(lambda: self.up()[number], "HAProxy sends requests to it")
        self.services[number : number + 1] = [service]

    def replace(self, number: int) -> int:
        """As a Deployment does: SIGTERM, unready, drained, gone; then another in its place. Gives how it ended."""
        container = self.services[number].container
        container.signal("TERM")
        status = container.wait()
        self.stacks[number].close()
        self.start(number)
        return status

    def up(self) -> list[bool]:
        """Whom HAProxy sends requests to."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "stats"))
            connection.sendall(b"show stat\n")
            told = b""
            while more := connection.recv(65_536):
                told += more
        rows = csv.DictReader(io.StringIO(told.decode().removeprefix("# ")))
        return [row["status"] == "UP" for row in rows if row["pxname"] == "services" and row["svname"] != "BACKEND"]


@contextmanager
def deployed(stage: Stage, folder: Path) -> Iterator[Deployment]:
    """Both are ready, and HAProxy knows."""
    folder.mkdir(parents=True, exist_ok=True)
    port, one, two = free_port(), free_port(), free_port()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, one=one, two=two))
    with ExitStack() as stack:
        output = stack.enter_context((folder / "haproxy.log").open("wb"))
        command = ["setpriv", "--pdeathsig", "TERM", PROGRAM, "-db", "-f", str(configuration)]
        path = f"{os.environ['PATH']}:/usr/sbin"
        proxy = subprocess.Popen(command, env={**os.environ, "PATH": path}, stdout=output, stderr=output)
        stack.callback(proxy.wait)
        stack.callback(proxy.terminate)
        until((folder / "stats").exists, "HAProxy listens")
        stacks = (stack.enter_context(ExitStack()), stack.enter_context(ExitStack()))
        deployment = Deployment(stage, f"http://127.0.0.1:{port}", folder, (one, two), stacks, [])
        for number in range(2):
            deployment.start(number)
        yield deployment
