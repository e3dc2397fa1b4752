"""`python -m service.probe`: a container's health check."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from service import probe
from tests.servers.service import ROOT, free_port


class Ready(BaseHTTPRequestHandler):
    """Alive, and not ready."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(b"no model" if self.path == "/readyz" else b"alive")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_it_tells_what_is_answered_and_whether_that_is_well(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of what is on this machine no proxy is asked.
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert probe.ask(f"{url}/healthz") == (True, "alive")
    assert probe.ask(f"{url}/readyz") == (False, "no model")


def test_it_ends_with_1_where_nobody_answers_and_says_so() -> None:
    nobody = f"http://127.0.0.1:{free_port()}/healthz"
    command = [sys.executable, "-m", "service.probe", nobody]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{nobody}: ")
    assert "refused" in done.stdout
    assert done.stderr == ""
