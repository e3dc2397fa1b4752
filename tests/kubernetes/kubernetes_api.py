"""As much of Kubernetes' API as the Job segmentation-keys calls: Secrets are created once, and read."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN, NAMESPACE = "a-token", "segmentation"


class FakeKubernetes:
    """A server on loopback, and the folder that a pod's account has."""

    def __init__(self, url: str, account: Path) -> None:
        self.url = url
        self.account = account
        self.secrets: dict[str, dict[str, str]] = {}
        self.readable: set[str] = set()

    @classmethod
    @contextmanager
    def running(cls, folder: Path, readable: set[str]) -> Iterator["FakeKubernetes"]:
        """Only what is readable may be read, as the Role says."""
        (folder / "token").write_text(TOKEN)
        (folder / "namespace").write_text(NAMESPACE)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        fake = cls(f"http://127.0.0.1:{server.server_port}", folder)
        fake.readable = readable
        server.fake = fake  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    @property
    def fake(self) -> FakeKubernetes:
        fake: FakeKubernetes = self.server.fake  # type: ignore[attr-defined]
        return fake

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["apiVersion"] == "v1"
        assert body["kind"] == "Secret"
        name = body["metadata"]["name"]
        if not self._allowed(f"/api/v1/namespaces/{NAMESPACE}/secrets"):
            self._answer(403, {"reason": "Forbidden"})
        elif name in self.fake.secrets:
            self._answer(409, {"reason": "AlreadyExists"})
        else:
            self.fake.secrets[name] = body["stringData"]
            self._answer(201, body)

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if not self._allowed(f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}") or name not in self.fake.readable:
            self._answer(403, {"reason": "Forbidden"})
        elif name not in self.fake.secrets:
            self._answer(404, {"reason": "NotFound"})
        else:
            data = {key: base64.b64encode(text.encode()).decode() for key, text in self.fake.secrets[name].items()}
            self._answer(200, {"kind": "Secret", "data": data})

    def _allowed(self, path: str) -> bool:
        return self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == path

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest shows what is printed."""
