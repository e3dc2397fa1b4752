"""k8s/load.py loses nothing and hides no loss; k8s/verify.sh says so, on a cluster that is played."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.kubernetes import objects
from tests.kubernetes.objects import K8S, Manifests
from tests.kubernetes.test_render import faults
from tests.servers.service import ROOT

KEY = "a-key"


class Answering(BaseHTTPRequestHandler):
    """Answers as the service does; the twentieth request is lost as `broken` says."""

    protocol_version = "HTTP/1.1"
    broken = ""
    asked = 0
    closed = 0

    def do_POST(self) -> None:
        kind = type(self)
        self.rfile.read(int(self.headers["Content-Length"]))
        kind.asked += 1
        if kind.broken == "connection" and kind.asked == 20:
            self.close_connection = True
            return
        status = 503 if kind.broken == "status" and kind.asked == 20 else 200
        if self.headers["Authorization"] != f"Bearer {KEY}" or self.path != "/predict":
            status = 401
        self.send_response(status)
        self.send_header("Content-Length", "2")
        # As a service that drains: who keeps a connection is told to make another.
        if kind.asked % 7 == 0:
            kind.closed += 1
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def answering(broken: str) -> Iterator[str]:
    kind = type("Answering", (Answering,), {"broken": broken})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("broken", "first"), [("", ""), ("status", "status 503"), ("connection", "RemoteDisconnected")]
)
def test_the_load_counts_each_request_and_each_that_is_lost(broken: str, first: str) -> None:
    with answering(broken) as url:
        done = subprocess.run(
            [sys.executable, str(K8S / "load.py"), url, str(ROOT / "examples" / "customer.json"), "1"],
            env={**os.environ, "API_KEY": KEY}, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()[-1].split(" ", 4)
    assert words[0::2][:2] == ["sent", "lost"]
    assert int(words[1]) > 50
    assert int(words[3]) == (1 if broken else 0), done.stdout
    assert (f"first {first}" in done.stdout) is bool(broken)


CLUSTER = '''#!{python}
"""kubectl, played: a cluster on which everything goes well, but for what FAULT says."""
import json, os, pathlib, sys
words = sys.argv[1:]
state = pathlib.Path(os.environ["STATE"])
fault = os.environ["FAULT"]
if words[:1] == ["kustomize"]:
    os.execv(os.environ["REAL"], ["kubectl", *words])
words = words[2:] if words[:1] == ["--namespace"] else words
with state.open("a") as log:
    log.write(json.dumps(words) + "\\n")
done = state.read_text()
if words[0] == "version":
    print(json.dumps({{"serverVersion": {{"gitVersion": "v1.32.0"}}}}, indent=1))
elif words[0] == "apply":
    sys.stdin.read() if "-" in words else None
    sys.exit(1 if fault == "warning" and "--dry-run=server" in words else 0)
elif words[:2] == ["create", "job"]:
    print(json.dumps({{"metadata": {{"name": words[3]}}, "args": ["run", "--if-needed", "--source"]}}, indent=4))
elif words[:2] == ["create", "-f"]:
    job = json.load(sys.stdin)
    assert ("--if-needed" in job["args"]) == (job["metadata"]["name"] == "segmentation-verify-1"), job
elif words[:2] == ["get", "job"]:
    failed = fault == "training" and "verify-2" in words[2]
    print("FailureTarget Failed " if failed else "SuccessCriteriaMet Complete ", end="")
elif words[0] == "logs":
    if words[1] == "job/segmentation-load":
        print("sent 1234 lost 1 first status 503" if fault == "lost" else "sent 1234 lost 0")
    else:
        print("model            20261122T17241{{}}Z-25e14a12".format(words[1][-1]))
elif words[0] == "exec":
    print("20261122T17241{{}}Z-25e14a12".format(2 if "verify-2" in done else 1))
elif words[0] == "get" and "restartCount" in words[-1]:
    print("1 0" if fault == "restart" else "0 0 ", end="")
elif words[0] == "get" and "not .metadata" in words[-1]:
    print("segmentation-a segmentation-b ", end="")
elif words[0] == "get" and words[1] == "deployment":
    print("customer-segmentation-service:0.1.0", end="")
'''


@pytest.mark.kubectl
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("", "done: sent 1234 lost 0"),
        ("warning", "FAILED: the API server does not take local without a warning"),
        ("training", "FAILED: the Job segmentation-verify-2 did not end well"),
        ("restart", "FAILED: containers were restarted: 1 0"),
        ("lost", "FAILED: requests were lost: sent 1234 lost 1 first status 503"),
    ],
)
def test_verify_says_what_is_otherwise(fault: str, said: str, tmp_path: Path) -> None:
    objects.require()
    played = tmp_path / "kubectl"
    played.write_text(CLUSTER.format(python=sys.executable))
    played.chmod(0o755)
    real = subprocess.run(["which", "kubectl"], capture_output=True, text=True, check=True).stdout.strip()
    log = tmp_path / "log"
    environment = {**os.environ, "KUBECTL": str(played), "STATE": str(log), "FAULT": fault, "REAL": real}
    done = subprocess.run(
        [str(K8S / "verify.sh")], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert said in done.stdout, done.stdout + done.stderr
    assert done.returncode == (1 if fault else 0), done.stdout + done.stderr
    called = [json.loads(line) for line in log.read_text().splitlines()]
    if not fault:
        assert sum(words[:2] == ["rollout", "restart"] for words in called) == 3
        dry = [words for words in called if words[0] == "apply" and "--dry-run=server" in words]
        assert len(dry) == len(objects.OVERLAYS)
        assert all({"--warnings-as-errors", "--validate=strict", "--server-side"} <= set(words) for words in dry)


def test_the_callers_are_let_in_and_taken_by_the_schemas() -> None:
    load = Manifests.of("local", (K8S / "load.yaml").read_text())
    assert [fault for each in load.objects for fault in faults(each, "1.32")] == []
    pod = load.pod("Job", "segmentation-load")
    assert pod.labels["segmentation-client"] == "true"
    (policy,) = load.all("NetworkPolicy")
    assert objects.matches(policy["spec"]["podSelector"], pod.labels)
