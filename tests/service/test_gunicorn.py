"""The service as it is run: several workers, one truth."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


def test_a_stop_is_clean(published: Registry, tmp_path: Path) -> None:
    with service.running(published.url, tmp_path / "log") as running:
        running.get("/readyz")
    assert running.process.returncode == 0
    log = running.log.read_text()
    assert "Traceback" not in log
    assert "leaked" not in log


def test_serving_imports_no_training_library() -> None:
    code = (
        "import sys, service.app, segmentation.registry.directory\n"
        "heavy = {'sklearn', 'pandas', 'pyarrow', 'ibis', 'scipy', 'matplotlib', 'joblib', 'boto3'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=service.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
