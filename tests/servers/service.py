"""The service as it is run: gunicorn with its configuration, in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A running service."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def get(self, path: str) -> Answer:
        return self._ask(Request(self.url + path))

    def post(self, path: str, body: Any) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._ask(Request(self.url + path, content, {"Content-Type": "application/json"}))

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    @staticmethod
    def _ask(request: Request) -> Answer:
        try:
            with urlopen(request, timeout=30) as answer:
                return Answer(answer.status, answer.read())
        except HTTPError as error:
            return Answer(error.code, error.read())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(registry: str, log: Path, workers: int = 2, **settings: str) -> Iterator[Service]:
    """Start the service and wait until it answers /healthz."""
    with running_at(free_port(), registry, log, workers, **settings) as service:
        yield service


@contextmanager
def running_at(port: int, registry: str, log: Path, workers: int = 2, **settings: str) -> Iterator[Service]:
    """The same on a port that clients know already."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTATION_")}
    environment |= {"SEGMENTATION_REGISTRY": registry, "WEB_CONCURRENCY": str(workers)}
    environment |= {f"SEGMENTATION_{name}": value for name, value in settings.items()}
    command = [
        sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py", "--bind", f"127.0.0.1:{port}",
        "service.app:create_app()",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    service = Service(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_for(service)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(service: Service) -> None:
    """Wait until it answers /healthz."""
    patience = time.monotonic() + 30
    while time.monotonic() < patience:
        if service.process.poll() is not None:
            raise RuntimeError(f"the service stopped: {service.log.read_text()}")
        try:
            service.get("/healthz")
        except (URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the service did not answer within 30 s")
