"""schemathesis on the service's own description, all its checks: no answer but those that are described, ever.

SEGMENTATION_FUZZ_CASES says how many cases at least; with 2,000 or more, as CI sets it, they are new ones each time.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from segmentation.registry import open_registry
from tests.servers.service import ROOT, running
from training import job

CASES = "SEGMENTATION_FUZZ_CASES"
MANY = 2_000


def test_no_request_gets_an_answer_that_is_not_described(tmp_path: Path, sample_result: job.Result) -> None:
    wanted = int(os.environ.get(CASES, "600"))
    registry = open_registry(str(tmp_path / "registry"))
    job.release(sample_result, registry, "production")
    thorough = wanted >= MANY
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", "--checks", "all", "--continue-on-failure",
        "--no-color",
        "--phases", "examples,coverage,fuzzing" + ",stateful" * thorough, "--warnings", "off",
        "--max-examples", str(wanted // 20 if thorough else 7), "--generation-database", "none",
        *([] if thorough else ["--seed", "7"]),
    ]  # fmt: skip
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.service.consistent_bodies", "PYTHONPATH": str(ROOT)}
    with running(registry.url, tmp_path / "log", workers=1) as service:
        done = subprocess.run(
            [*command, f"{service.url}/openapi.json"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert service.get("/readyz").status == 200
    assert done.returncode == 0, done.stdout + done.stderr
    cases = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert cases, done.stdout
    assert int(cases[1]) == int(cases[2]) >= wanted
    log = (tmp_path / "log").read_text()
    assert "defect" not in log
    assert "Traceback" not in log
