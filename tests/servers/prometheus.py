"""Real Prometheus, Alertmanager and push gateway for tests, on loopback, in a folder."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from tests.servers.service import free_port

PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager", "prometheus-pushgateway")

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Prometheus:
    """Running servers."""

    url: str
    alertmanager: str
    gateway: str
    process: "subprocess.Popen[bytes]"

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Meanwhile Prometheus scrapes nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def query(self, expr: str, at: float | None = None) -> dict[Labels, float]:
        """Values by labels, the name of the metric left out."""
        asked = {"query": expr} if at is None else {"query": expr, "time": str(at)}
        result = _json(f"{self.url}/api/v1/query?{urlencode(asked)}")["data"]
        if result["resultType"] == "scalar":
            return {(): float(result["result"][1])}
        return {
            tuple(sorted((name, value) for name, value in each["metric"].items() if name != "__name__")): float(
                each["value"][1]
            )
            for each in result["result"]
        }

    def value(self, expr: str, at: float | None = None) -> float | None:
        """The only value; None where there is none."""
        found = list(self.query(expr, at).values())
        assert len(found) <= 1, found
        return found[0] if found else None

    def alerts_received(self) -> list[dict[str, str]]:
        """Labels of the alerts that Alertmanager has."""
        return [alert["labels"] for alert in _json(f"{self.alertmanager}/api/v2/alerts")]

    def problems(self) -> list[str]:
        """Rules that could not be evaluated."""
        groups = _json(f"{self.url}/api/v1/rules")["data"]["groups"]
        return [rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")]


def require() -> None:
    """Skip the test where they are not installed; fail it there in CI, so that no change lands untried."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must have Prometheus, and {missing[0]} is not installed: `make ci-deps` installs it, as root")
    if missing:
        pytest.skip(f"{missing[0]} is not installed: `make ci-deps` installs it, as root")


@contextmanager
def running(folder: Path, targets: Sequence[str], rules: str, seconds: float = 1.0) -> Iterator[Prometheus]:
    """Start the servers; Prometheus scrapes the targets and evaluates the rules."""
    folder.mkdir(parents=True, exist_ok=True)
    port, alerts, gateway = free_port(), free_port(), free_port()
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    interval = f"{int(seconds * 1000)}ms"
    configuration = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [str(folder / "rules.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alerts}"]}]}]},
        "scrape_configs": [
            {"job_name": "segmentation", "static_configs": [{"targets": list(targets)}]},
            {
                "job_name": "pushgateway",
                "honor_labels": True,
                "static_configs": [{"targets": [f"127.0.0.1:{gateway}"]}],
            },
        ],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    receiver = {"route": {"receiver": "nobody", "group_wait": "1s"}, "receivers": [{"name": "nobody"}]}
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(receiver), encoding="utf-8")
    with ExitStack() as stack:
        commands = (
            ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{gateway}"],
            [
                "prometheus-alertmanager", f"--config.file={folder / 'alertmanager.yaml'}",
                f"--storage.path={folder / 'alerts'}", f"--web.listen-address=127.0.0.1:{alerts}",
                "--cluster.listen-address=",
            ],
            [
                "prometheus", f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
        )  # fmt: skip
        process = [stack.enter_context(_daemon(command, folder)) for command in commands][-1]
        urls = [f"http://127.0.0.1:{each}" for each in (port, alerts, gateway)]
        for url in urls:
            until(lambda url=url: _answers(f"{url}/-/ready"), f"{url} answers")  # type: ignore[misc]
        yield Prometheus(urls[0], urls[1], urls[2], process)


def until(condition: Callable[[], bool], what: str, seconds: float = 40.0) -> None:
    """Wait for a condition, not forever."""
    patience = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > patience:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.1)


@contextmanager
def _daemon(command: list[str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    # The kernel stops it where the tests are killed and cannot.
    with (folder / f"{command[0]}.out").open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        urlopen(url, timeout=5).close()
    except (URLError, ConnectionError, TimeoutError):
        return False
    return True


def _json(url: str) -> Any:
    with urlopen(url, timeout=10) as answer:
        return json.load(answer)
