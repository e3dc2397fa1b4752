"""Pods: what Pod Security asks for, resources, mounts, variables, images and commands."""

import re
import tomllib
from pathlib import PurePosixPath

import click
from gunicorn.config import Config

from campaigns.cli import cli as campaigns_cli
from tests.kubernetes.check import check
from tests.kubernetes.objects import Manifests, Object, Pod, quantity
from tests.servers.service import ROOT
from training.cli import cli

SERVICE, TRAINING = "customer-segmentation-service", "customer-segmentation-training"
ENTRY_POINTS = {
    SERVICE: ["gunicorn", "--config", "service/gunicorn.conf.py", "service.app:create_app()"],
    TRAINING: ["python", "-m", "training"],
}
"""Of the images: what a container runs that has no command."""

CAMPAIGNS = ["python", "-m", "campaigns"]
"""What the training image holds beside its entry point."""

WITH_TOKEN = {"Job segmentation-keys"}
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
COREUTILS = {"sleep"}
INTERPRETERS = {"ceph": ("bash", "python3")}


@check
def restricted(manifests: Manifests) -> list[str]:
    """Pod Security Standards, restricted, as of 1.32; and a root file system that cannot be written to."""
    faults = [
        f"Namespace: {mode} is not restricted"
        for each in manifests.all("Namespace")
        for mode in ("enforce", "audit", "warn")
        if each["metadata"].get("labels", {}).get(f"pod-security.kubernetes.io/{mode}") != "restricted"
    ]
    faults += [] if manifests.all("Namespace") else ["there is no Namespace"]
    for pod in manifests.pods():
        whole = pod.spec.get("securityContext", {})
        faults += [f"{pod.name}: {name}" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(name)]
        for volume in pod.spec.get("volumes", []):
            faults += [f"{pod.name}: volume {volume['name']}"] * (not (set(volume) - {"name"} <= VOLUMES))
        for container in pod.containers:
            own = container.get("securityContext", {})
            said = whole | own
            asked = {
                "runAsNonRoot": said.get("runAsNonRoot") is True,
                "runAsUser": said.get("runAsUser", 0) >= 10_000,
                "seccompProfile": said.get("seccompProfile", {}).get("type") == "RuntimeDefault",
                "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
                "privileged": not own.get("privileged"),
                "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
                "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
                "procMount": "procMount" not in own,
                "hostPort": not any("hostPort" in port for port in container.get("ports", [])),
            }
            faults += [f"{pod.name}, {container['name']}: {name}" for name, met in asked.items() if not met]
    return faults


@check
def tokens(manifests: Manifests) -> list[str]:
    """No account token but where Kubernetes is called; no variables for every Service."""
    accounts = {each["metadata"]["name"]: each for each in manifests.all("ServiceAccount")}
    faults = [
        f"ServiceAccount {name}: it mounts tokens"
        for name, each in accounts.items()
        if each.get("automountServiceAccountToken") is not False
    ]
    for pod in manifests.pods():
        allowed = pod.name in WITH_TOKEN and manifests.overlay == "local"
        if pod.spec.get("automountServiceAccountToken") is not allowed:
            faults.append(f"{pod.name}: automountServiceAccountToken is not {allowed}")
        if pod.spec.get("enableServiceLinks") is not False:
            faults.append(f"{pod.name}: enableServiceLinks is not false")
        if pod.spec.get("serviceAccountName") not in accounts:
            faults.append(f"{pod.name}: there is no ServiceAccount {pod.spec.get('serviceAccountName')}")
    return faults


@check
def resources(manifests: Manifests) -> list[str]:
    """Processor and memory are asked for and limited; emptyDirs have a size that fits into the limits."""
    faults = []
    for pod in manifests.pods():
        for container in pod.containers:
            given = container.get("resources", {})
            for name in ("cpu", "memory"):
                amounts = [given.get(which, {}).get(name) for which in ("requests", "limits")]
                if None in amounts:
                    faults.append(f"{pod.name}, {container['name']}: {name} is not asked for and limited")
                elif quantity(amounts[0]) > quantity(amounts[1]):
                    faults.append(f"{pod.name}, {container['name']}: asks for more {name} than its limit")
        faults += _sizes(pod)
    return faults


def _sizes(pod: Pod) -> list[str]:
    empty = [(each["name"], each["emptyDir"]) for each in pod.spec.get("volumes", []) if "emptyDir" in each]
    faults = [f"{pod.name}: emptyDir {name} has no sizeLimit" for name, given in empty if "sizeLimit" not in given]
    for resource, medium in (("memory", True), ("ephemeral-storage", False)):
        needed = sum(
            quantity(given.get("sizeLimit", 0)) for _, given in empty if (given.get("medium") == "Memory") is medium
        )
        limits = [each.get("resources", {}).get("limits", {}).get(resource) for each in pod.containers]
        if None not in limits and needed > sum(map(quantity, limits)):
            faults.append(f"{pod.name}: its emptyDirs take more {resource} than the limit")
    return faults


@check
def mounts(manifests: Manifests) -> list[str]:
    """Every mount is of a volume, every ConfigMap is there, and where settings point to something is mounted."""
    maps = {each["metadata"]["name"] for each in manifests.all("ConfigMap")}
    faults = []
    for pod in manifests.pods():
        volumes = {each["name"]: each for each in pod.spec.get("volumes", [])}
        asked = [each["configMap"]["name"] for each in volumes.values() if "configMap" in each]
        for container in pod.containers:
            asked += [each["configMapRef"]["name"] for each in container.get("envFrom", []) if "configMapRef" in each]
            mounted = {each["mountPath"]: each for each in container.get("volumeMounts", [])}
            faults += [
                f"{pod.name}: {path} is of no volume" for path, each in mounted.items() if each["name"] not in volumes
            ]
            if "/tmp" not in mounted:
                faults.append(f"{pod.name}, {container['name']}: nothing is mounted at /tmp")
        missing = [f"{pod.name}: there is no ConfigMap {name}" for name in asked if name not in maps]
        faults += missing or _pointed_to(manifests, pod, volumes)
    return faults


def _pointed_to(manifests: Manifests, pod: Pod, volumes: dict[str, Object]) -> list[str]:
    """Files and folders that settings of this pod name; the job's are not the service's."""
    own = {
        "Deployment segmentation": ("API_KEYS_FILE", "PUBLIC_KEY_FILE", "CACHE_DIR"),
        "CronJob segmentation-training": ("SIGNING_KEY_FILE", "PUBLIC_KEY_FILE", "SPILL_DIR"),
    }.get(pod.name, ())
    container = pod.containers[0]
    mounted = {each["mountPath"]: each["name"] for each in container.get("volumeMounts", [])}
    environment = manifests.environment(container)
    faults = [f"{pod.name}: HOME is not /tmp"] * (environment.get("HOME") != "/tmp")
    for name in own:
        path = PurePosixPath(environment.get(f"SEGMENTATION_{name}", ""))
        folder = path if name.endswith("DIR") else path.parent
        kind = "emptyDir" if name.endswith("DIR") else "secret"
        if kind not in volumes.get(mounted.get(str(folder), ""), {}):
            faults.append(f"{pod.name}: SEGMENTATION_{name} is {path}, where no {kind} is mounted")
    return faults


@check
def variables(manifests: Manifests) -> list[str]:
    """No $(NAME) that nothing defines, or defines too late; no variable twice in one list."""
    faults = []
    for pod in manifests.pods():
        for container in pod.containers:
            names = [each["name"] for each in container.get("env", [])]
            faults += [f"{pod.name}: {name} twice" for name in set(names) if names.count(name) > 1]
            environment = manifests.environment(container)
            texts = [*manifests.arguments(container, environment), *environment.values()]
            faults += [f"{pod.name}: nothing defines {text}" for text in texts if "$(" in text]
    return faults


@check
def images(manifests: Manifests) -> list[str]:
    """Ours at the project's version, others at one of theirs; what they are given to run is there."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    faults = []
    for pod in manifests.pods():
        for container in pod.containers:
            where = f"{pod.name}, {container['name']}"
            name, _, tag = container["image"].rpartition(":")
            ours = name.rpartition("/")[2]
            if ours in (SERVICE, TRAINING):
                faults += [f"{where}: tag {tag}, the project is at {version}"] * (tag != version)
                room = "service" if ours == SERVICE else "training"
                if not (ROOT / room / "__init__.py").is_file():
                    faults.append(f"{where}: there is no room {room}")
            elif not re.fullmatch(r"[a-z0-9.-]+(/[a-z0-9-]+)+:[A-Za-z0-9.-]+", container["image"]) or tag == "latest":
                faults.append(f"{where}: {container['image']} is at no version")
            faults += [f"{where}: {fault}" for fault in _commands(manifests, pod, container, ours)]
    return faults


def _commands(manifests: Manifests, pod: Pod, container: Object, image: str) -> list[str]:
    words = manifests.arguments(container, manifests.environment(container))
    before = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep"])
    faults = [f"the image has no program {before[0]}"] * (before[0] not in COREUTILS)
    if image == TRAINING and container.get("command") == CAMPAIGNS:
        return faults + _campaigns(words[len(CAMPAIGNS) :])
    if "command" in container:
        return faults + _script(manifests, pod, container, words, image)
    if image == TRAINING:
        return faults + _training(words)
    return faults + (_gunicorn(words) if image == SERVICE else [])


def _script(manifests: Manifests, pod: Pod, container: Object, words: list[str], image: str) -> list[str]:
    if words[0] not in INTERPRETERS.get(image, ("python",)):
        return [f"the image has no program {words[0]}"]
    path = PurePosixPath(words[1])
    mounted = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in pod.spec["volumes"]}
    volume = volumes.get(mounted.get(str(path.parent), ""), {})
    there = manifests.one("ConfigMap", volume["configMap"]["name"])["data"] if "configMap" in volume else {}
    return [] if path.name in there else [f"{path} is in no ConfigMap that is mounted"]


def _campaigns(words: list[str]) -> list[str]:
    command = campaigns_cli.commands.get(words[0]) if words else None
    if command is None:
        return [f"there is no command {' '.join(words[:1])} of campaigns"]
    try:
        command.make_context(words[0], [*words[1:], "--registry", "s3://bucket/prefix"])
    except click.ClickException as error:
        return [f"campaigns {words[0]}: {error.format_message()}"]
    return []


def _training(words: list[str]) -> list[str]:
    command = cli.commands.get(words[0]) if words else None
    if command is None:
        return [f"there is no command {' '.join(words[:1])} of training"]
    try:
        # The settings give it the registry.
        command.make_context(words[0], [*words[1:], "--registry", "s3://bucket/prefix"])
    except click.ClickException as error:
        return [f"training {words[0]}: {error.format_message()}"]
    return []


def _gunicorn(words: list[str]) -> list[str]:
    try:
        given = Config().parser().parse_args(words)
    except SystemExit:
        return [f"gunicorn does not take {words}"]
    return [] if given.bind else ["gunicorn listens on this machine alone: give it --bind"]
