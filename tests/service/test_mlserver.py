"""The published model.pkl is a plain scikit-learn Pipeline: MLServer serves it unchanged, with the same segments."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from segmentation.model import PIPELINE
from segmentation.scoring import from_bytes, score
from tests.servers.service import free_port
from training.job import Result


@pytest.fixture
def served(sample_result: Result, tmp_path: Path) -> Iterator[str]:
    """MLServer with the sample's model, as docs/http.md tells."""
    command = os.environ.get("MLSERVER") or shutil.which("mlserver")
    if command is None:
        pytest.skip("MLServer is not installed: `pip install mlserver mlserver-sklearn` in an environment of its own")
    (tmp_path / PIPELINE).write_bytes(sample_result.made.files[PIPELINE])
    settings = {
        "name": "segments",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": f"./{PIPELINE}"},
    }
    (tmp_path / "model-settings.json").write_text(json.dumps(settings))
    (tmp_path / "settings.json").write_text('{"host": "127.0.0.1", "parallel_workers": 0}')
    ports = {f"MLSERVER_{kind}_PORT": str(free_port()) for kind in ("HTTP", "GRPC", "METRICS")}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([command, "start", str(tmp_path)], env=os.environ | ports, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{ports['MLSERVER_HTTP_PORT']}/v2/models/segments"
    try:
        _wait(f"{url}/ready", process, tmp_path / "log")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_it_gives_the_segments_that_the_service_gives(served: str, sample_result: Result) -> None:
    arrays = from_bytes(sample_result.made.files["scoring.npz"])
    rows = np.abs(np.random.default_rng(0).normal(0, 30, (1000, len(arrays.lower))))
    tensor = {"name": "customers", "shape": list(rows.shape), "datatype": "FP64", "data": rows.ravel().tolist()}
    request = Request(
        f"{served}/infer", json.dumps({"inputs": [tensor]}).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as answer:
        said = np.array(json.load(answer)["outputs"][0]["data"])
    ours = score(arrays, rows)
    decided = ours.margin > 1e-9
    assert decided.sum() > 990
    assert len(set(said.tolist())) > 1
    assert (said == ours.segment)[decided].all()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        if process.poll() is not None:
            break
        try:
            urlopen(url, timeout=5).close()
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"MLServer does not start: {log.read_text()[-2000:]}")
