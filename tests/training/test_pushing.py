"""What batch commands report: to a real push gateway, and not at all at the run's cost."""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from segmentation.errors import ConfigurationError as BadConfiguration
from segmentation.errors import (
    GateRefusedError,
    LostRaceError,
    SegmentationError,
    StoreAccessError,
    StoreUnavailableError,
    UnusableDataError,
    VersionExistsError,
)
from tests.servers import pushgateway
from tests.servers.pushgateway import PushGateway
from tests.training.test_cli import SMALL
from training import pushing
from training.cli import cli

SUCCEEDED, FINISHED = (f"segmentation_job_{what}_timestamp_seconds" for what in ("succeeded", "finished"))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushGateway]:
    with pushgateway.running(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def outcomes(gateway: PushGateway, job: str) -> list[str]:
    told = gateway.metrics()
    assert job in {name for name, _ in gateway.groups()}
    return [name.split('"')[1] for name, value in told.items() if name.startswith("segmentation_job_outcome") and value]


def test_a_run_a_run_that_was_not_needed_and_one_that_failed(gateway: PushGateway, tmp_path: Path) -> None:
    run = ("run", "--registry", str(tmp_path / "models"), *SMALL)

    def training(*arguments: str) -> BaseException | None:
        # Settings reach the job as they do from a shell; how failures become exit codes is tested elsewhere.
        return CliRunner(env={"SEGMENTATION_PUSHGATEWAY": gateway.url}).invoke(cli, arguments).exception

    assert training(*run) is None
    assert outcomes(gateway, "segmentation-run") == ["done"]
    assert gateway.groups() == {("segmentation-run", "production")}
    first = gateway.metrics()
    assert first["segmentation_job_customers"] == 600
    assert first["segmentation_job_segments"] == 5
    assert 0 < first["segmentation_job_silhouette"] < 1
    assert first['segmentation_job_refits_ari{refits="bootstrap"}'] > 0.3
    assert first['segmentation_job_gate_passed{check="structure"}'] == 1
    assert 0 < first["segmentation_job_duration_seconds"] < 120

    assert training(*run, "--if-needed") is None
    assert outcomes(gateway, "segmentation-run") == ["not-needed"]
    second = gateway.metrics()
    assert second["segmentation_job_needed"] == 0
    assert second["segmentation_job_model_age_days"] == 0
    assert second['segmentation_job_drift_psi{ages="false",statistic="segments"}'] == 0
    assert second['segmentation_job_drift_threshold{ages="true",statistic="feature:recency_days"}'] > 0
    # What this run did not come to know stays.
    assert second["segmentation_job_silhouette"] == first["segmentation_job_silhouette"]
    assert second[SUCCEEDED] > first[SUCCEEDED]

    assert isinstance(training(*run, "--as-of", "2001-01-01"), UnusableDataError)
    assert outcomes(gateway, "segmentation-run") == ["bad-input"]
    third = gateway.metrics()
    assert third[SUCCEEDED] == second[SUCCEEDED]
    assert third[FINISHED] > second[FINISHED]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:9", "http://job:s3cret@127.0.0.1:9", "gopher://127.0.0.1:9", "http://127.0.0.1:nine", "http://[", "@"],
)
def test_a_gateway_that_is_not_there_is_a_warning_without_its_password(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGMENTATION_PUSHGATEWAY", address)
    pushing.reported("assign")(lambda: None)()
    said = capsys.readouterr().err
    assert f"warning: nothing was reported to the push gateway {address.rpartition('@')[2]}: " in said
    assert "s3cret" not in said


def test_a_user_and_a_password_go_along_as_basic_access(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Authorization"]))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv("SEGMENTATION_PUSHGATEWAY", f"http://job:s%40cret@127.0.0.1:{server.server_port}")
        pushing.reported("maintenance")(lambda: None)()
        thread.join(timeout=10)
    assert seen == [("/metrics/job/segmentation-maintenance", f"Basic {base64.b64encode(b'job:s@cret').decode()}")]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (GateRefusedError("x"), "refused"),
        (LostRaceError("x"), "lost-race"),
        (StoreUnavailableError("x"), "store-unavailable"),
        (BadConfiguration("x"), "bad-input"),
        # The registry's, the machine's and DuckDB's: the exit code says the same.
        (StoreAccessError("x"), "bad-input"),
        (VersionExistsError("x"), "lost-race"),
        (OSError(28, "No space left on device"), "bad-input"),
        (SegmentationError("x"), "failed"),
        (ZeroDivisionError(), "failed"),
    ],
)
def test_how_a_command_ended_is_told(error: Exception, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setenv("SEGMENTATION_PUSHGATEWAY", "127.0.0.1:9")
    monkeypatch.setattr(pushing.JobReport, "push", lambda report, *_: told.append(report.outcome))

    def command() -> None:
        raise error

    with pytest.raises(type(error)):
        pushing.reported("run")(command)()
    assert told == [outcome]
