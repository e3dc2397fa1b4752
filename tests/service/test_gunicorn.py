"""The service as it is run: several workers, one truth."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segmentation.registry import Registry
from tests.servers import service
from training.job import Result


def counted(metrics: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in metrics.splitlines() if line.startswith(name))


PREDICTED = 'segmentation_requests_total{route="/predict",status="200"}'


def test_counts_are_summed_over_workers_and_survive_their_restart(
    published: Registry, features: dict[str, float], tmp_path: Path
) -> None:
    with service.running(published.url, tmp_path / "log", workers=3) as running:
        for _ in range(60):
            assert running.post("/predict", {"features": features}).status == 200
        for _ in range(5):
            assert counted(running.get("/metrics").body.decode(), PREDICTED) == 60
        victim = running.workers()[0]
        os.kill(victim, signal.SIGKILL)
        patience = time.monotonic() + 20
        while (victim in running.workers() or len(running.workers()) < 3) and time.monotonic() < patience:
            time.sleep(0.1)
        for _ in range(10):
            assert running.post("/predict", {"features": features}).status == 200
        assert counted(running.get("/metrics").body.decode(), PREDICTED) == 70


def test_who_is_sent_features_alone_never_loads_duckdb(
    published: Registry, features: dict[str, float], order: dict[str, object], tmp_path: Path
) -> None:
    with service.running(published.url, tmp_path / "log") as running:

        def loaded() -> list[bool]:
            return ["_duckdb" in Path(f"/proc/{worker}/maps").read_text() for worker in running.workers()]

        assert running.post("/predict", {"features": features}).status == 200
        assert loaded() == [False, False]
        assert running.post("/predict", {"orders": [order]}).status == 200
        assert sorted(loaded()) == [False, True]


def test_raw_orders_over_http(published: Registry, order: dict[str, object], tmp_path: Path) -> None:
    with service.running(published.url, tmp_path / "log") as running:
        answer = running.post("/predict", {"customer_id": 7, "orders": [order]})
        assert answer.status == 200
        assert answer.json["predictions"][0]["customer_id"] == 7
        assert running.get("/readyz").status == 200


def test_a_service_started_before_its_model_becomes_ready(
    registry: Registry, sample_result: Result, tmp_path: Path
) -> None:
    from training import job

    with service.running(registry.url, tmp_path / "log", REFRESH_SECONDS="0.2") as running:
        assert running.get("/readyz").status == 503
        job.release(sample_result, registry, "production")
        patience = time.monotonic() + 15
        in_a_row = 0
        while in_a_row < 10 and time.monotonic() < patience:
            in_a_row = in_a_row + 1 if running.get("/readyz").status == 200 else 0
            time.sleep(0.02)
        assert in_a_row == 10


def test_a_stop_is_clean(published: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    with service.running(published.url, tmp_path / "log") as running:
        # A worker that is stopped while it loads its first model is given five seconds, which may not do.
        patience = time.monotonic() + 30
        while running.get("/readyz").status != 200 or len(list(tmp_path.glob("temporary/*/*.counters"))) < 2:
            assert time.monotonic() < patience
            time.sleep(0.05)
    assert running.process.returncode == 0
    log = running.log.read_text()
    assert "Traceback" not in log
    assert "leaked" not in log
    assert list((tmp_path / "temporary").iterdir()) == []


def test_serving_imports_no_training_library() -> None:
    code = (
        "import sys, service.app, segmentation.registry.directory\n"
        "heavy = {'sklearn', 'pandas', 'pyarrow', 'ibis', 'scipy', 'matplotlib', 'joblib', 'boto3'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=service.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "SEGMENTATION_REGISTRY is not set"),
        ({"SEGMENTATION_REGISTRY": "ftp://x"}, "is no registry"),
        ({"SEGMENTATION_REGISTRY": "x", "SEGMENTATION_ALIAS": "Bad!"}, "cannot name an alias"),
        ({"SEGMENTATION_REGISTRY": "s3://x/y"}, "s3://x/y must be signed"),
        ({"SEGMENTATION_REGISTRY": "x", "SEGMENTATION_PUBLIC_KEY_FILE": "absent.pub"}, "absent.pub cannot be read"),
        ({"SEGMENTATION_REGISTRY": "x", "SEGMENTATION_REFRESH_SECONDS": "soon"}, "is 'soon'; it takes a number"),
        ({"SEGMENTATION_REGISTRY": "x", "WEB_CONCURRENCY": "0"}, "it takes a number of workers"),
        ({"SEGMENTATION_REGISTRY": "x", "SEGMENTATION_ALIASS": "y"}, "did you mean SEGMENTATION_ALIAS?"),
    ],
)  # fmt: skip
def test_a_wrong_setting_stops_the_service_in_two_lines(settings: dict[str, str], said: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTATION_")}
    command = [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py", "--bind", "127.0.0.1:0"]
    done = subprocess.run(
        [*command, "service.app:create_app()"],
        cwd=service.ROOT, env=environment | settings | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def raw(running: service.Service, *parts: bytes) -> tuple[int, bytes]:
    """Send bytes as they are, end the request there, and read the answer."""
    with socket.create_connection(("127.0.0.1", int(running.url.rsplit(":", 1)[1])), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    return int(answer.split(b" ", 2)[1]), answer


HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def test_bodies_that_are_cut_off_or_too_long_are_the_client_s_fault(
    published: Registry, features: dict[str, float], tmp_path: Path
) -> None:
    body = json.dumps({"features": features}).encode()
    chunk = b"%x\r\n%s\r\n" % (len(body), body)
    with service.running(published.url, tmp_path / "log", MAX_BODY_BYTES="4000") as running:
        assert raw(running, CHUNKED, chunk, b"0\r\n\r\n")[0] == 200
        assert raw(running, CHUNKED, b"ZZ\r\n")[0] == 400
        assert raw(running, CHUNKED, b'5\r\n{"fea')[0] == 400
        assert raw(running, HEAD + b"Content-Length: 3000\r\n\r\n", body)[0] == 400
        exactly = body + b" " * (4000 - len(body))
        assert raw(running, CHUNKED, b"%x\r\n%s\r\n" % (4000, exactly), b"0\r\n\r\n")[0] == 200
        assert b"malformed-body" in raw(running, CHUNKED, chunk)[1]
        spaces = b"%x\r\n%s\r\n" % (4000, b" " * 4000)
        assert raw(running, CHUNKED, chunk, spaces, b"0\r\n\r\n")[0] == 413
    assert "defect" not in running.log.read_text()


def test_a_running_service_writes_to_memory_alone_and_needs_no_home(
    published: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only root will do: /dev/shm is there in every container."""
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("TMPDIR", raising=False)
    with service.running(published.url, tmp_path / "log") as running:
        assert running.get("/readyz").status == 200
        for pid in [running.process.pid, *running.workers()]:
            opened = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
            files = {name for name in opened if name.startswith("/")} - {str(tmp_path / "log")}
            assert all(name.startswith("/dev/") for name in files), files
    assert "Permission" not in running.log.read_text()


def test_metrics_have_a_port_of_their_own_that_survives_workers_and_reloads(registry: Registry, tmp_path: Path) -> None:
    port = service.free_port()
    with service.running(registry.url, tmp_path / "log", METRICS_PORT=str(port)) as running:
        metrics = service.Service(f"http://127.0.0.1:{port}", running.process, running.log)
        for sent in (None, signal.SIGKILL, signal.SIGHUP):
            before = set(running.workers())
            if sent is not None:
                os.kill(running.process.pid if sent == signal.SIGHUP else min(before), sent)
                wanted = before if sent == signal.SIGHUP else {min(before)}
                patience = time.monotonic() + 20
                while wanted & set(running.workers()) and time.monotonic() < patience:
                    time.sleep(0.05)
            assert b"segmentation_requests_total" in metrics.get("/metrics").body
            assert metrics.get("/healthz").status == 404
            assert running.get("/metrics").status == 404
            assert running.get("/healthz").status == 200


@pytest.mark.parametrize(
    ("bind", "said"),
    [
        (["127.0.0.1:{port}"], "SEGMENTATION_METRICS_PORT is {port}, where the service itself listens"),
        (["127.0.0.1:0", "[::1]:{port}"], "SEGMENTATION_METRICS_PORT is {port}, where the service itself listens"),
        (["unix:{folder}/socket"], "SEGMENTATION_METRICS_PORT is {port}, and the service listens on unix:"),
    ],
)
def test_a_port_of_metrics_that_cannot_be_is_refused(
    registry: Registry, tmp_path: Path, bind: list[str], said: str
) -> None:
    """It would answer 404 to everything but metrics, or metrics would be answered nowhere; and look alive."""
    port = service.free_port()
    binds = [part for address in bind for part in ("--bind", address.format(port=port, folder=tmp_path))]
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py", *binds, "service.app:create_app()"],
        cwd=service.ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"SEGMENTATION_REGISTRY": registry.url, "SEGMENTATION_METRICS_PORT": str(port)},
    )  # fmt: skip
    assert done.returncode == 2
    assert said.format(port=port) in done.stderr


def test_metrics_have_their_port_where_the_service_listens_on_all_addresses(registry: Registry) -> None:
    port, metrics = service.free_port(), service.free_port()
    command = ["-m", "gunicorn", "-c", "service/gunicorn.conf.py", "--bind", f":{port}", "service.app:create_app()"]
    environment = os.environ | {"SEGMENTATION_REGISTRY": registry.url, "SEGMENTATION_METRICS_PORT": str(metrics)}
    with subprocess.Popen(
        [sys.executable, *command], cwd=service.ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            said = next((line for line in process.stderr if "Listening at" in line), "")
        finally:
            process.terminate()
            process.stderr.read()
    assert f":{port}," in said
    assert f":{metrics} " in said


def test_whoever_opens_it_to_the_network_without_keys_is_warned(registry: Registry, tmp_path: Path) -> None:
    command = ["-m", "gunicorn", "-c", "service/gunicorn.conf.py", "--bind", "0.0.0.0:0", "service.app:create_app()"]
    environment = os.environ | {"SEGMENTATION_REGISTRY": registry.url, "WEB_CONCURRENCY": "1"}
    with subprocess.Popen(
        [sys.executable, *command], cwd=service.ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            said = next((line for line in process.stderr if "there are no API keys" in line), "")
        finally:
            process.terminate()
            process.stderr.read()
    assert json.loads(said)["level"] == "WARNING"
