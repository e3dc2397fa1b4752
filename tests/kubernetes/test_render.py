"""What kubectl renders is what Kubernetes takes: the schemas of each release, checkov; with monitoring as without."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.kubernetes import objects
from tests.kubernetes.checks import CHECKS
from tests.kubernetes.objects import K8S, OVERLAYS, Manifests, Object
from tests.servers.service import ROOT

RELEASES = ("1.29", "1.30", "1.31", "1.32", "1.33", "1.34")
OPERATOR = "monitoring.coreos.com/v1"
SERVICE_MONITOR: dict[str, Any] = {
    # Of the operator's own schema, the fields that are used here.
    "type": "object",
    "required": ["selector", "endpoints"],
    "additionalProperties": False,
    "properties": {
        "jobLabel": {"type": "string"},
        "selector": {"type": "object", "required": ["matchLabels"], "additionalProperties": False,
                     "properties": {"matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}}},
        "endpoints": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["port"],
                "additionalProperties": False,
                "properties": {
                    "port": {"type": "string"},
                    "path": {"type": "string"},
                    "scheme": {"enum": ["http", "https"]},
                    "interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
                    "scrapeTimeout": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
                },
            },
        },
    },
}  # fmt: skip


def faults(each: Object, release: str) -> list[str]:
    """What a release's schema, strictly, has against an object."""
    if each["apiVersion"] == OPERATOR:
        return []
    try:
        kubernetes_validate.validate(each, release, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{each['kind']} {each['metadata']['name']}: {error.message}"]
    return []


@pytest.fixture(scope="session")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By overlay, what it renders to with the component monitoring, as docs/deploy.md says."""
    objects.require()
    copy = tmp_path_factory.mktemp("monitored") / "k8s"
    shutil.copytree(K8S, copy)
    found = {}
    for name in OVERLAYS:
        file = copy / "overlays" / name / "kustomization.yaml"
        content = yaml.safe_load(file.read_text()) | {"components": ["../../components/monitoring"]}
        file.write_text(yaml.safe_dump(content))
        found[name] = objects.render(file.parent)
    return found


@pytest.mark.kubectl
@pytest.mark.parametrize("release", RELEASES)
def test_every_release_s_schemas_take_every_object(release: str, overlays: dict[str, Manifests]) -> None:
    found = [fault for manifests in overlays.values() for each in manifests.objects for fault in faults(each, release)]
    assert found == []


@pytest.mark.kubectl
@pytest.mark.parametrize(
    ("kind", "mistake"),
    [
        ("Deployment", {"replicsa": 2}),
        ("CronJob", {"timezone": "Etc/UTC"}),
        ("HorizontalPodAutoscaler", {"minReplicas": "two"}),
        ("NetworkPolicy", {"policyTypes": "Egress"}),
        ("Service", {"clusterip": "None"}),
    ],
)
def test_a_misspelt_field_or_wrong_type_is_found(kind: str, mistake: Object, local: Manifests) -> None:
    each = local.all(kind)[0]
    each["spec"] |= mistake
    assert faults(each, "1.32") != []


@pytest.mark.kubectl
def test_a_field_that_a_release_lacks_is_found(local: Manifests) -> None:
    """The schemas differ: what only later releases know is refused by earlier ones."""
    each = local.one("CronJob", "segmentation-training")
    each["spec"]["jobTemplate"]["spec"]["template"]["spec"]["hostnameOverride"] = "a"
    assert faults(each, "1.29") != []
    assert faults(each, "1.34") == []


@pytest.mark.kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_with_monitoring_every_check_passes_as_well(overlay: str, monitored: dict[str, str]) -> None:
    manifests = Manifests.of(overlay, monitored[overlay])
    assert [fault for each in manifests.objects for fault in faults(each, "1.32")] == []
    assert {name: found for name, check in CHECKS.items() if (found := check(manifests))} == {}
    settings = manifests.one("ConfigMap", "segmentation-settings")["data"]
    monitor = manifests.one("ServiceMonitor", "segmentation")
    Draft202012Validator(SERVICE_MONITOR).validate(monitor["spec"])
    interval = float(monitor["spec"]["endpoints"][0]["interval"].removesuffix("s"))
    assert float(settings["SEGMENTATION_SETTLE_SECONDS"]) == float(settings["SEGMENTATION_DRAIN_SECONDS"]) == interval


@pytest.mark.kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_is_scraped_is_there(overlay: str, monitored: dict[str, str]) -> None:
    manifests = Manifests.of(overlay, monitored[overlay])
    monitor = manifests.one("ServiceMonitor", "segmentation")["spec"]
    found = [
        each
        for each in manifests.all("Service")
        if objects.matches(monitor["selector"], each["metadata"].get("labels", {}))
    ]
    assert [each["metadata"]["name"] for each in found] == ["segmentation-metrics"]
    assert [end["port"] for end in monitor["endpoints"]] == [port["name"] for port in found[0]["spec"]["ports"]]
    assert found[0]["metadata"]["labels"][monitor["jobLabel"]] == "segmentation"
    pushed = manifests.one("NetworkPolicy", "segmentation-push")["spec"]
    assert objects.matches(pushed["podSelector"], manifests.pod("CronJob", "segmentation-training").labels)
    gateway = manifests.one("ConfigMap", "segmentation-settings")["data"]["SEGMENTATION_PUSHGATEWAY"]
    assert gateway.endswith(f":{pushed['egress'][0]['ports'][0]['port']}")


def test_yamllint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "k8s"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_yamllint_finds_a_key_that_is_there_twice(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\na: 2\n")
    done = subprocess.run(
        [sys.executable, "-m", "yamllint", "-c", str(ROOT / ".yamllint.yaml"), str(tmp_path)], check=False
    )
    assert done.returncode == 1


def test_shellcheck_has_nothing_to_say() -> None:
    scripts = sorted(K8S.rglob("*.sh"))
    assert scripts
    program = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([program, *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def checkov(*files: Path) -> dict[str, set[str]]:
    """What it objects to, by object; it needs a library that we have otherwise, and so an environment of its own."""
    program = ROOT / ".venv-checkov" / "bin" / "checkov"
    if not program.is_file() and os.environ.get("CI", "").lower() == "true":
        pytest.fail("CI must have checkov, and it is not installed: `make checkov` installs it")
    if not program.is_file():
        pytest.skip("checkov is not installed: `make checkov` installs it")
    command = [program, "--skip-download", "--quiet", "--compact", "--config-file", K8S / "checkov.yaml", "-o", "json"]
    asked = [word for file in files for word in ("-f", str(file))]
    done = subprocess.run([*map(str, command), *asked], capture_output=True, text=True, check=False, timeout=300)
    answer = json.loads(done.stdout)
    assert answer["summary"]["passed"] > 50, done.stdout
    assert answer["summary"]["parsing_errors"] == 0
    found: dict[str, set[str]] = {}
    for each in answer["results"]["failed_checks"]:
        found.setdefault(each["resource"], set()).add(f"{each['check_id']} {each['check_name']}")
    return found


@pytest.mark.kubectl
def test_checkov_objects_to_nothing_but_to_what_is_planted(rendered: dict[str, str], tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.yaml" for name in (*OVERLAYS, "planted")]
    for file in files[:2]:
        file.write_text(rendered[file.stem])
    planted = Manifests.of("local", rendered["local"]).one("Deployment", "segmentation")
    planted["metadata"]["name"] = "planted"
    planted["spec"]["template"]["spec"]["containers"][0]["securityContext"]["privileged"] = True
    files[2].write_text(yaml.safe_dump(planted))
    found = checkov(*files)
    assert {name.rpartition(".")[2] for name in found} == {"planted"}, found
    assert any("CKV_K8S_16 " in text for text in found["Deployment.segmentation.planted"])


def test_the_store_of_the_local_overlay_is_that_of_compose() -> None:
    # kustomize takes no file from outside of its folder, so there are two.
    assert (K8S / "overlays/local/ceph.sh").read_bytes() == (ROOT / "docker/compose/ceph.sh").read_bytes()
