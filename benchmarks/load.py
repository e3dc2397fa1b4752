"""Servers pinned to one core, and wrk pinned to another."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from benchmarks.measure import ROOT
from tests.servers.service import free_port

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
if os.getenv("LOAD_KEY") ~= "" then wrk.headers["Authorization"] = "Bearer " .. os.getenv("LOAD_KEY") end
local file = io.open(os.getenv("LOAD_BODY"), "rb")
wrk.body = file:read("*a")
file:close()
function done(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout
  io.write(string.format('{"requests": %d, "seconds": %f, "failed": %d, "p50": %f, "p99": %f}',
    summary.requests, summary.duration / 1e6, failed, latency:percentile(50), latency:percentile(99)))
end
"""

SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Rate:
    """What a load came to; latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float


def cores() -> tuple[int, int]:
    """A core for the server and another for the load."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        sys.exit("the server and the load need a core each, and there is one")
    return allowed[0], allowed[1]


@contextmanager
def server(command: Sequence[str], ready: str, log: Path, environment: Mapping[str, str], core: int) -> Iterator[str]:
    """Start a server, `{port}` in its command being a free port, and wait until it answers."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *(word.format(port=port) for word in command)],
            cwd=ROOT, env={**os.environ, **SINGLE_THREADED, **environment}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url + ready, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def press(
    url: str, body: Path, seconds: float, core: int, *, connections: int = 1, key: str = "", script: Path
) -> Rate:
    """Send the body again and again for so long; every answer must be a 200."""
    script.write_text(_SCRIPT)
    done = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{max(round(seconds), 1)}s", "--timeout",
         "30s", "-s", str(script), url],
        capture_output=True, text=True, check=True, env=os.environ | {"LOAD_BODY": str(body), "LOAD_KEY": key},
    )  # fmt: skip
    found = json.loads(done.stdout[done.stdout.index('{"requests"') :])
    if found["failed"] or not found["requests"]:
        sys.exit(f"{url} failed {found['failed']} of {found['requests']} requests")
    return Rate(found["requests"] / found["seconds"], found["p50"] / 1000, found["p99"] / 1000)


def ask(url: str, body: Path, key: str) -> None:
    """Send the body once: what a server does only at its first request is done then."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    urlopen(Request(url, body.read_bytes(), headers), timeout=60).close()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        if process.poll() is not None:
            sys.exit(f"a server stopped: {log.read_text(errors='replace')[-2000:]}")
        try:
            urlopen(url, timeout=5).close()
        except HTTPError:
            return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    sys.exit(f"{url} did not answer within a minute")
