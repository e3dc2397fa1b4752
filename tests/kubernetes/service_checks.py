"""The service: settings, ports, probes, how it stops, how many there are, who finds and reaches it."""

import runpy
from dataclasses import fields

from segmentation.errors import ConfigurationError
from segmentation.settings import PREFIX, Settings, load
from service.routes import NEEDED, OPEN
from tests.kubernetes.check import check
from tests.kubernetes.objects import Manifests, Object, Pod, matches
from tests.servers.service import ROOT

GUNICORN = runpy.run_path(str(ROOT / "service" / "gunicorn.conf.py"))
KEPT_CONNECTIONS = 2
"""Seconds that gunicorn waits for these, after everything else."""

SELECTED = {"segmentation-metrics": "segmentation", "segmentation-push": "segmentation-training"}
"""Whose pods an object selects that has another name."""

SET_ELSEWHERE = {"counters_dir", "memory_limit"}
"""By gunicorn.conf.py, and from the CronJob's memory."""


def service(manifests: Manifests) -> tuple[Pod, Object, dict[str, str]]:
    """Its pods, their container and its variables."""
    pod = manifests.pod("Deployment", "segmentation")
    container = pod.containers[0]
    return pod, container, manifests.environment(container)


@check
def settings(manifests: Manifests) -> list[str]:
    """The ConfigMap has every setting of the class and no other, and each can be read."""
    given = manifests.one("ConfigMap", "segmentation-settings")["data"]
    known = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings) if field.name not in SET_ELSEWHERE}
    faults = [f"the ConfigMap lacks {name}" for name in sorted(known - set(given))]
    faults += [f"{name} is no setting, or one that is set elsewhere" for name in sorted(set(given) - known)]
    try:
        load(given)
    except ConfigurationError as error:
        faults.append(f"{error.message}: {error.hint}")
    return faults


@check
def ports(manifests: Manifests) -> list[str]:
    """What gunicorn listens on is what the container says, what Services lead to, and what metrics are asked on."""
    pod, container, environment = service(manifests)
    words = manifests.arguments(container, environment)
    bound = words[words.index("--bind") + 1] if "--bind" in words else ""
    listens = {"http": bound.rpartition(":")[2], "metrics": environment.get("SEGMENTATION_METRICS_PORT", "")}
    said = {name: str(number) for name, number in pod.ports.items()}
    faults = [] if said == listens else [f"the container says {said}, gunicorn listens on {listens}"]
    faults += [] if bound.startswith("0.0.0.0:") else [f"gunicorn listens on {bound or 'nothing'}"]
    for each in manifests.all("Service"):
        found = [pod for pod in manifests.pods() if matches({"matchLabels": each["spec"]["selector"]}, pod.labels)]
        for port in each["spec"]["ports"]:
            if not found or any(port["targetPort"] not in pod.ports for pod in found):
                faults.append(f"Service {each['metadata']['name']}: {port['targetPort']} is no port of its pods")
    return faults


@check
def probes(manifests: Manifests) -> list[str]:
    """Each asks a route that is open to all, on a port of the pod, and the one that answers its question."""
    pod, container, _ = service(manifests)
    meant = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    faults = []
    for name, path in meant.items():
        asked = container.get(name, {}).get("httpGet", {})
        if NEEDED.get(asked.get("path")) is not OPEN:
            faults.append(f"{name} asks {asked.get('path')}, which is no open route")
        if asked.get("path") != path:
            faults.append(f"{name} asks {asked.get('path')} and not {path}")
        if asked.get("port") != "http" or "http" not in pod.ports:
            faults.append(f"{name} asks port {asked.get('port')}")
    live = container.get("livenessProbe", {})
    patience = live.get("periodSeconds", 10) * live.get("failureThreshold", 3)
    if patience <= GUNICORN["timeout"]:
        faults.append(f"livenessProbe waits {patience} s: gunicorn replaces a worker that hangs after 60 s by itself")
    return faults


@check
def stopping(manifests: Manifests) -> list[str]:
    """The time to stop holds all that happens meanwhile, the longest drain of the settings included."""
    pod, container, environment = service(manifests)
    command = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
    faults = [] if command[:1] == ["sleep"] else ["there is no preStop that sleeps"]
    asleep = float(command[1]) if command[:1] == ["sleep"] else 0.0
    needed = asleep + float(environment["SEGMENTATION_DRAIN_SECONDS"]) + GUNICORN["graceful_timeout"] + KEPT_CONNECTIONS
    given = pod.spec.get("terminationGracePeriodSeconds", 30)
    if needed >= given:
        faults.append(f"stopping takes up to {needed:g} s, terminationGracePeriodSeconds is {given}")
    return faults


@check
def scaling(manifests: Manifests) -> list[str]:
    """Bounds of the autoscaler, replicas and the disruption budget leave room for each other."""
    _, container, _ = service(manifests)
    deployment = manifests.one("Deployment", "segmentation")["spec"]
    scaler = manifests.one("HorizontalPodAutoscaler", "segmentation")["spec"]
    least, most = scaler["minReplicas"], scaler["maxReplicas"]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "segmentation"}
    faults = [] if scaler["scaleTargetRef"] == target else [f"the autoscaler scales {scaler['scaleTargetRef']}"]
    faults += [] if 2 <= least < most else [f"the autoscaler goes from {least} to {most}"]
    replicas = deployment.get("replicas", least)
    faults += [] if least <= replicas <= most else [f"{replicas} replicas, the autoscaler says {least} to {most}"]
    if "cpu" not in container.get("resources", {}).get("requests", {}):
        faults.append("the autoscaler measures processor against a request that is not there")
    budget = manifests.one("PodDisruptionBudget", "segmentation")["spec"]
    left = budget.get("minAvailable", least - budget.get("maxUnavailable", least))
    if not 1 <= left < least:
        faults.append(f"the budget leaves {left} of {least}")
    update = deployment["strategy"]["rollingUpdate"]
    if update["maxUnavailable"] != 0 or update["maxSurge"] < 1:
        faults.append("a rolling update takes a pod away before another is ready")
    return faults


@check
def selectors(manifests: Manifests) -> list[str]:
    """Whatever selects pods selects some, and not the wrong ones."""
    faults = []
    for each in manifests.all("Deployment"):
        labels = each["spec"]["template"]["metadata"]["labels"]
        if not matches(each["spec"]["selector"], labels):
            faults.append(f"Deployment {each['metadata']['name']} does not select its own pods")
    chosen: list[tuple[str, Object, str]] = [
        (f"Service {each['metadata']['name']}", {"matchLabels": each["spec"]["selector"]}, each["metadata"]["name"])
        for each in manifests.all("Service")
    ]
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        chosen += [
            (f"{kind} {each['metadata']['name']}", each["spec"][key], each["metadata"]["name"])
            for each in manifests.all(kind)
            if each["spec"][key]
        ]
    pod, _, _ = service(manifests)
    for spread in pod.spec["topologySpreadConstraints"]:
        chosen.append((f"spread over {spread['topologyKey']}", spread["labelSelector"], "segmentation"))
    for what, selector, name in chosen:
        found = [pod.owner["metadata"]["name"] for pod in manifests.pods() if matches(selector, pod.labels)]
        if found != [SELECTED.get(name, name)]:
            faults.append(f"{what} selects {found or 'nothing'}")
    return faults
