"""compose.yaml: valid, closed to other machines, and of settings, files and dashboards that are there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.boards import BOARDS
from segmentation.settings import load
from tests.servers import prometheus
from tests.servers.service import ROOT
from training.configuration import load as load_configuration

FILE = ROOT / "docker/compose.yaml"
OURS = {"setup": "training", "train": "training", "customers": "training", "service": "service"}


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    """The file, its anchors and merges resolved."""
    text: dict[str, Any] = yaml.safe_load(FILE.read_text())
    services: dict[str, Any] = text["services"]
    return services


def variables(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service.get("environment", {}).items()}


@pytest.mark.containers
def test_compose_itself_takes_the_file() -> None:
    found = shutil.which("docker-compose")
    if not found and os.environ.get("CI", "").lower() == "true":
        pytest.fail("CI must have docker-compose: `make ci-deps` installs it, as root")
    if not found:
        pytest.skip("docker-compose is not installed: `make ci-deps` installs it, as root")
    done = subprocess.run([found, "-f", str(FILE), "config"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(yaml.safe_load(done.stdout)["services"]) >= {"s3", "prometheus", "grafana", *OURS}


def test_every_setting_is_one_that_there_is(composed: dict[str, Any]) -> None:
    for name in OURS:
        load(variables(composed[name]))
    chosen = composed["train"]["command"][composed["train"]["command"].index("--set") + 1]
    assert load_configuration("sample", assignments=[chosen]).retraining.max_age_days == 30
    assert load(variables(composed["train"])).registry == load(variables(composed["service"])).registry != ""


def test_our_images_are_built_from_our_files(composed: dict[str, Any]) -> None:
    for name, image in OURS.items():
        assert composed[name]["image"] == f"customer-segmentation-{image}:${{TAG:-dev}}"
        if "build" in composed[name]:
            context = FILE.parent / composed[name]["build"]["context"]
            assert (context / composed[name]["build"]["dockerfile"]).is_file()
    others = [service["image"] for name, service in composed.items() if name not in OURS]
    assert [image for image in others if not re.search(r":v?\d+\.\d+\.\d+}?$", image)] == []


def test_every_file_that_is_mounted_is_there(composed: dict[str, Any]) -> None:
    volumes = yaml.safe_load(FILE.read_text())["volumes"]
    for service in composed.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (FILE.parent / source).exists() if source.startswith(".") else source in volumes, volume


def test_nothing_is_open_to_other_machines(composed: dict[str, Any]) -> None:
    ports = [port for service in composed.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_containers_are_restricted(composed: dict[str, Any]) -> None:
    for name, service in composed.items():
        assert "mem_limit" in service or name == "setup"
        if name != "s3":
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
            assert service["security_opt"] == ["no-new-privileges:true"]
    # The private key is the job's alone.
    assert [name for name, service in composed.items() if "job-keys" in str(service.get("volumes"))] == [
        "setup",
        "train",
    ]


def test_whoever_waits_waits_for_what_can_be_told(composed: dict[str, Any]) -> None:
    for service in composed.values():
        for other, on in service.get("depends_on", {}).items():
            assert on["condition"] != "service_healthy" or "healthcheck" in composed[other]


def test_grafana_shows_every_dashboard_from_that_prometheus(composed: dict[str, Any]) -> None:
    mounts = dict(volume.split(":")[1::-1] for volume in composed["grafana"]["volumes"])
    provider = yaml.safe_load((ROOT / "docker/compose/grafana/dashboards.yaml").read_text())["providers"][0]
    folder = FILE.parent / mounts[provider["options"]["path"]]
    titles = {json.loads(path.read_text())["title"] for path in folder.glob("*.json")}
    assert titles == {board.title for board in BOARDS.values()}
    source = yaml.safe_load((ROOT / "docker/compose/grafana/datasource.yaml").read_text())["datasources"][0]
    assert (source["url"], source["isDefault"]) == ("http://prometheus:9090", True)
    home = variables(composed["grafana"])["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (folder / Path(home).name).is_file()


@pytest.mark.prometheus
def test_prometheus_takes_its_configuration_and_asks_the_ports_that_are_there(
    composed: dict[str, Any], tmp_path: Path
) -> None:
    prometheus.require()
    mounts = dict(volume.split(":")[1::-1] for volume in composed["prometheus"]["volumes"])
    text = (FILE.parent / mounts["/etc/prometheus/prometheus.yml"]).read_text()
    for place in ("/etc/prometheus/rules.yaml",):
        assert place in text
        text = text.replace(place, str(FILE.parent / mounts[place]))
    (tmp_path / "prometheus.yaml").write_text(text)
    done = subprocess.run(
        ["promtool", "check", "config", str(tmp_path / "prometheus.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    scrapes = {each["job_name"]: each for each in yaml.safe_load(text)["scrape_configs"]}
    port = scrapes["segmentation"]["dns_sd_configs"][0]["port"]
    assert str(port) == variables(composed["service"])["SEGMENTATION_METRICS_PORT"]
    interval = yaml.safe_load(text)["global"]["scrape_interval"]
    assert f"{variables(composed['service'])['SEGMENTATION_SETTLE_SECONDS']}s" == interval
    gateway = scrapes["pushgateway"]["static_configs"][0]["targets"][0]
    assert variables(composed["train"])["SEGMENTATION_PUSHGATEWAY"] == f"http://{gateway}"
