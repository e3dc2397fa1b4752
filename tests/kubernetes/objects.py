"""What an overlay renders to, and what the kubelet would make of its containers."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.service import ROOT

K8S = ROOT / "k8s"
OVERLAYS = ("local", "production")

Object = dict[str, Any]

_UNITS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def require() -> None:
    """Skip the test where there is no kubectl; fail it there in CI, so that no change lands untried."""
    missing = shutil.which("kubectl") is None
    if missing and os.environ.get("CI", "").lower() == "true":
        pytest.fail("CI must have kubectl, and it is not installed: `make ci-deps` installs it, as root")
    if missing:
        pytest.skip("kubectl is not installed: `make ci-deps` installs it, as root")


def render(folder: Path) -> str:
    """What `kubectl apply -k` would send."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    # Fields that kustomize is about to drop are told here.
    assert done.stderr == ""
    return done.stdout


def quantity(text: str | int | float) -> float:
    """A quantity of Kubernetes, such as 500m or 2Gi, as a number."""
    found = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text))
    assert found is not None, text
    return float(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True)
class Pod:
    """The pods of a Deployment, Job or CronJob."""

    owner: Object
    template: Object

    @property
    def name(self) -> str:
        return f"{self.owner['kind']} {self.owner['metadata']['name']}"

    @property
    def spec(self) -> Object:
        spec: Object = self.template["spec"]
        return spec

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.template["metadata"]["labels"]
        return labels

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ports(self) -> dict[str, int]:
        """Numbers by name."""
        return {port["name"]: port["containerPort"] for each in self.containers for port in each.get("ports", [])}


@dataclass(frozen=True)
class Manifests:
    """All objects of an overlay."""

    overlay: str
    objects: list[Object]

    @classmethod
    def of(cls, overlay: str, text: str) -> "Manifests":
        return cls(overlay, [each for each in yaml.safe_load_all(text) if each])

    def all(self, kind: str) -> list[Object]:
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        """By name; a name that kustomize gave a hash is found without it."""
        found = [each for each in self.all(kind) if re.fullmatch(rf"{name}(-[a-z0-9]{{10}})?", _name(each))]
        assert len(found) == 1, f"{kind} {name}: {[_name(each) for each in found]}"
        return found[0]

    def pods(self) -> list[Pod]:
        return list(self._pods())

    def pod(self, kind: str, name: str) -> Pod:
        return next(pod for pod in self.pods() if pod.name == f"{kind} {name}")

    def _pods(self) -> Iterator[Pod]:
        for each in self.objects:
            if each["kind"] in ("Deployment", "Job"):
                yield Pod(each, each["spec"]["template"])
            elif each["kind"] == "CronJob":
                yield Pod(each, each["spec"]["jobTemplate"]["spec"]["template"])

    def environment(self, container: Object, secrets: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
        """The variables of a container, as the kubelet makes them; without Secrets where they are not given."""
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                found |= self.one("ConfigMap", re.escape(source["configMapRef"]["name"]))["data"]
            elif secrets is not None:
                found |= secrets[source["secretRef"]["name"]]
        for each in container.get("env", []):
            found[each["name"]] = self._value(container, each, found)
        return found

    def arguments(self, container: Object, environment: Mapping[str, str]) -> list[str]:
        """What the container's program is given, after the image's entry point or instead of it."""
        words = [*container.get("command", []), *container.get("args", [])]
        return [expanded(word, environment) for word in words]

    @staticmethod
    def _value(container: Object, variable: Object, environment: Mapping[str, str]) -> str:
        if "value" in variable:
            return expanded(variable["value"], environment)
        asked = variable["valueFrom"]["resourceFieldRef"]
        assert asked["containerName"] == container["name"]
        which, resource = asked["resource"].split(".")
        given, divisor = container["resources"][which][resource], asked["divisor"]
        # As Kubernetes does: rounded up.
        return str(-int(-quantity(given) // quantity(divisor)))


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """$(NAME) replaced where the name is known; as it stands where it is not, as Kubernetes does."""
    return re.sub(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", lambda name: environment.get(name[1], name[0]), text)


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a selector, of labels alone, takes what has these."""
    assert set(selector) <= {"matchLabels"}, selector
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


def _name(each: Object) -> str:
    name: str = each["metadata"]["name"]
    return name
