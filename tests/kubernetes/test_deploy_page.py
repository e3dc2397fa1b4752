"""docs/deploy.md: its commands are commands, its paths are there, and what it tells to change can be changed so."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.kubernetes import objects
from tests.kubernetes.checks import CHECKS
from tests.kubernetes.objects import K8S, Manifests
from tests.servers.service import ROOT
from training import configuration

TEXT = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", SHELL)
def test_the_commands_are_bash(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_paths_are_there() -> None:
    paths = set(re.findall(r"\b(?:k8s|examples|monitoring)/[\w./-]*\w", TEXT))
    assert "k8s/overlays/local" in paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.kubectl
def test_what_commands_wait_for_and_ask_is_in_the_overlays(rendered: dict[str, str]) -> None:
    local = Manifests.of("local", rendered["local"])
    names = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in local.objects}
    made = set(re.findall(r"create job --from=\S+ (\S+)", TEXT))
    asked = set(re.findall(r"\b(?:job|cronjob|deployment|service)/[a-z][a-z-]*", " ".join(SHELL)))
    assert asked
    assert asked - names - {f"job/{name}" for name in made} == set()


def changed(folder: Path, overlay: str, more: object) -> Manifests:
    """An overlay with what the page says, on top of it."""
    copy = folder / "k8s"
    shutil.copytree(K8S, copy)
    top = copy / "overlays" / "top"
    top.mkdir()
    content = {"resources": [f"../{overlay}"]} | (more if isinstance(more, dict) else {})
    (top / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return Manifests.of(overlay, objects.render(top))


@pytest.mark.kubectl
def test_the_schedule_is_changed_as_the_page_says(tmp_path: Path) -> None:
    objects.require()
    block = next(block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "/spec/schedule" in block)
    manifests = changed(tmp_path, "production", yaml.safe_load(block))
    assert manifests.one("CronJob", "segmentation-training")["spec"]["schedule"] == "30 3 1,15 * *"
    assert CHECKS["schedule"](manifests) == []


def test_the_base_s_configuration_can_be_read() -> None:
    chosen = configuration.load("transactions", K8S / "base" / "configuration.yaml")
    assert chosen.retraining.max_age_days == 31
    assert "weekly, as it stands, with 31 days" in TEXT
