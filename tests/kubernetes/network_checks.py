"""Who may reach whom, and which Secrets must be there."""

import re
import runpy
from urllib.parse import urlsplit

from tests.kubernetes.check import check
from tests.kubernetes.objects import K8S, Manifests, Object, Pod, matches
from tests.servers.service import ROOT

OURS = ("Deployment segmentation", "CronJob segmentation-training")


@check
def network(manifests: Manifests) -> list[str]:
    """Everything is denied but what is used: names, S3, clients and Prometheus."""
    everybody = [each["spec"] for each in manifests.all("NetworkPolicy") if each["spec"]["podSelector"] == {}]
    nothing = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    faults = [] if nothing in everybody else ["there is no policy that denies everything"]
    for pod in manifests.pods():
        if pod.name in OURS:
            faults += [f"{pod.name}: {fault}" for fault in _needs(manifests, pod)]
    for policy in manifests.all("NetworkPolicy"):
        faults += _ports(manifests, policy)
    return faults


def _needs(manifests: Manifests, pod: Pod) -> list[str]:
    rules = [rule for each in _policies(manifests, pod) for rule in each["spec"].get("egress", [])]
    out = {(port["protocol"], port["port"]) for rule in rules for port in rule.get("ports", [])}
    environment = manifests.environment(pod.containers[0])
    url = urlsplit(environment.get("AWS_ENDPOINT_URL", "https://s3.amazonaws.com"))
    wanted = {("UDP", 53), ("TCP", 53), ("TCP", url.port or {"https": 443, "http": 80}[url.scheme])}
    gateway = environment["SEGMENTATION_PUSHGATEWAY"]
    wanted |= {("TCP", urlsplit(gateway).port or 80)} if gateway and pod.owner["kind"] == "CronJob" else set()
    faults = [f"{protocol} {port} is not let out" for protocol, port in sorted(wanted - out)]
    faults += [f"{protocol} {port} is let out" for protocol, port in sorted(out - wanted)]
    faults += ["a rule of egress has no ports"] * any(not rule.get("ports") for rule in rules)
    let_in = [rule for each in _policies(manifests, pod) for rule in each["spec"].get("ingress", [])]
    names = sorted(str(port["port"]) for rule in let_in for port in rule.get("ports", []))
    faults += [] if names == sorted(pod.ports) else [f"{names} are let in, its ports are {sorted(pod.ports)}"]
    faults += ["a rule of ingress says not from whom, or to which port"] * any(
        not rule.get("from") or not rule.get("ports") for rule in let_in
    )
    addresses = [to["ipBlock"] for rule in rules for to in rule.get("to", []) if "ipBlock" in to]
    wide = [block for block in addresses if block["cidr"] == "0.0.0.0/0"]
    faults += ["the node's metadata are let out"] * any("169.254.169.254/32" not in b.get("except", []) for b in wide)
    return faults


def _ports(manifests: Manifests, policy: Object) -> list[str]:
    """A port by name is one of the pods that the policy is for."""
    mine = [pod for pod in manifests.pods() if matches(policy["spec"]["podSelector"], pod.labels)]
    names = [port["port"] for rule in policy["spec"].get("ingress", []) for port in rule.get("ports", [])]
    return [
        f"NetworkPolicy {policy['metadata']['name']}: {name} is no port of its pods"
        for name in names
        if any(name not in pod.ports for pod in mine)
    ]


def _policies(manifests: Manifests, pod: Pod) -> list[Object]:
    return [each for each in manifests.all("NetworkPolicy") if matches(each["spec"]["podSelector"], pod.labels)]


@check
def secrets(manifests: Manifests) -> list[str]:
    """Those that pods ask for are made by the local overlay, or docs/deploy.md says how; none stands here."""
    faults = [f"Secret {each['metadata']['name']} stands in the manifests" for each in manifests.all("Secret")]
    if manifests.overlay == "local":
        made: dict[str, tuple[str, ...]] = runpy.run_path(str(K8S / "overlays" / "local" / "keys.py"))["PARTS"]
        there = set(made)
    else:
        page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
        there = set(re.findall(r"kubectl .*create secret generic (\S+)", page))
    for pod in manifests.pods():
        asked = {each["secret"]["secretName"] for each in pod.spec.get("volumes", []) if "secret" in each}
        for container in pod.containers:
            asked |= {each["secretRef"]["name"] for each in container.get("envFrom", []) if "secretRef" in each}
        faults += [f"{pod.name}: nobody makes Secret {name}" for name in sorted(asked - there)]
    return faults


@check
def ingress(manifests: Manifests) -> list[str]:
    """With TLS for each of its hosts, to a port of a Service that is there."""
    services = {each["metadata"]["name"]: each["spec"]["ports"] for each in manifests.all("Service")}
    faults = []
    for each in manifests.all("Ingress"):
        secured = {host for entry in each["spec"].get("tls", []) if "secretName" in entry for host in entry["hosts"]}
        for rule in each["spec"]["rules"]:
            faults += [f"{rule['host']} has no TLS"] * (rule["host"] not in secured)
            for path in rule["http"]["paths"]:
                to = path["backend"]["service"]
                if to["port"]["name"] not in [port["name"] for port in services.get(to["name"], [])]:
                    faults.append(f"{rule['host']} leads to {to['name']}, which has no port {to['port']['name']}")
    if manifests.overlay == "production" and not manifests.all("Ingress"):
        faults.append("there is no Ingress")
    return faults
