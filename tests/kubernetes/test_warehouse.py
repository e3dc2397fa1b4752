"""The component warehouse: every check passes with it, and its Job is one that assigns and then exports."""

import shutil

import pytest
import yaml

from tests.kubernetes import objects
from tests.kubernetes.checks import CHECKS
from tests.kubernetes.job_checks import DEFECT, exit_statuses, longest_gap
from tests.kubernetes.objects import K8S, OVERLAYS, Manifests
from tests.kubernetes.pod_checks import CAMPAIGNS
from tests.kubernetes.test_render import RELEASES, faults

NAME = "segmentation-export"


@pytest.fixture(scope="module")
def exporting(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Manifests]:
    """By overlay, its objects with the component, as docs/deploy.md says."""
    objects.require()
    copy = tmp_path_factory.mktemp("exporting") / "k8s"
    shutil.copytree(K8S, copy)
    found = {}
    for name in OVERLAYS:
        file = copy / "overlays" / name / "kustomization.yaml"
        content = yaml.safe_load(file.read_text()) | {"components": ["../../components/warehouse"]}
        file.write_text(yaml.safe_dump(content))
        found[name] = Manifests.of(name, objects.render(file.parent))
    return found


@pytest.mark.kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_with_it_every_check_passes(overlay: str, exporting: dict[str, Manifests]) -> None:
    manifests = exporting[overlay]
    assert [fault for release in RELEASES for each in manifests.objects for fault in faults(each, release)] == []
    found = {name: told for name, check in CHECKS.items() if (told := check(manifests))}
    # Where the warehouse is only its owner knows: the local overlay has none.
    missing = {"secrets": [f"CronJob {NAME}: nobody makes Secret segmentation-warehouse"]}
    assert found == (missing if overlay == "local" else {})


@pytest.mark.kubectl
def test_a_wrong_option_or_command_is_found(exporting: dict[str, Manifests]) -> None:
    container = exporting["production"].pod("CronJob", NAME).spec["containers"][0]
    given = container["args"]
    for wrong in (["exprt"], ["export"], [*given, "--too", "x"]):
        container["args"] = wrong
        assert CHECKS["images"](exporting["production"]) != []
    container["args"] = given


@pytest.mark.kubectl
def test_one_container_assigns_and_the_next_exports_what_it_wrote(exporting: dict[str, Manifests]) -> None:
    manifests = exporting["production"]
    pod = manifests.pod("CronJob", NAME)
    (first,), (second,) = pod.spec["initContainers"], pod.spec["containers"]
    assert first["args"][0] == "assign"
    assert second["command"] == CAMPAIGNS
    assert second["args"][0] == "export"
    written, read = (each["args"][each["args"].index(option) + 1] for each, option in
                     ((first, "--out"), (second, "--assignments")))  # fmt: skip
    assert written == read
    assert written.startswith("/spill/")
    for container in pod.containers:
        environment = manifests.environment(container)
        assert environment["SEGMENTATION_SIGNING_KEY_FILE"] == ""
        assert environment["SEGMENTATION_PUBLIC_KEY_FILE"].rpartition("/")[0] in [
            mount["mountPath"] for mount in container["volumeMounts"]
        ]
        requested, limit = (container["resources"][which]["memory"] for which in ("requests", "limits"))
        assert environment["SEGMENTATION_MEMORY_LIMIT"] == f"{objects.quantity(requested) / 2**20:.0f}MiB"
        assert objects.quantity(requested) <= objects.quantity(limit) / 2
    # What the Secret says takes the place of what the settings say.
    sources = [next(iter(source.values()))["name"] for source in second["envFrom"]]
    assert sources.index("segmentation-warehouse") == len(sources) - 1


@pytest.mark.kubectl
def test_only_what_may_go_better_is_tried_again_and_runs_do_not_overlap(exporting: dict[str, Manifests]) -> None:
    spec = exporting["production"].one("CronJob", NAME)["spec"]
    job = spec["jobTemplate"]["spec"]
    disrupted, *rules = job["podFailurePolicy"]["rules"]
    assert (disrupted["action"], disrupted["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
    codes = {rule["action"]: set(rule["onExitCodes"]["values"]) for rule in rules}
    assert codes == {"FailJob": exit_statuses() - {DEFECT, 5}, "Count": {5}}
    assert not any("containerName" in rule["onExitCodes"] for rule in rules)
    assert spec["concurrencyPolicy"] == "Forbid"
    gap = longest_gap(spec["schedule"]).total_seconds()
    assert job["activeDeadlineSeconds"] < gap < job["ttlSecondsAfterFinished"]
