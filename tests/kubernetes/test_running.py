"""What the local overlay says is run for real, as processes: keys, data, the CronJob's program, the service."""

import json
import os
import re
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import duckdb
import pytest

from tests.kubernetes.kubernetes_api import FakeKubernetes
from tests.kubernetes.objects import K8S, Manifests, Object, Pod
from tests.kubernetes.pod_checks import ENTRY_POINTS, SERVICE, TRAINING
from tests.servers import ceph
from tests.servers.service import ROOT, Service, free_port, wait_for

pytestmark = [pytest.mark.kubectl, pytest.mark.ceph]

LOCAL = K8S / "overlays" / "local"
CUSTOMER = json.loads((ROOT / "examples" / "customer.json").read_text())

Secrets = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Node:
    """Where pods of the local overlay are run as processes: mounts are folders, names of Services are addresses."""

    manifests: Manifests
    secrets: Secrets
    folder: Path
    addresses: Mapping[str, str]

    def place(self, pod: Pod, text: str) -> str:
        """A text with the pod's mounts and addresses as they are here."""
        for mount in pod.containers[0]["volumeMounts"]:
            if text.startswith(mount["mountPath"]):
                text = f"{self.folder / pod.owner['metadata']['name']}{text}"
        for name, address in self.addresses.items():
            text = text.replace(name, address)
        return text

    def mount(self, pod: Pod) -> None:
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        for mount in pod.containers[0]["volumeMounts"]:
            folder = Path(self.place(pod, mount["mountPath"]))
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in self._files(volumes[mount["name"]]).items():
                (folder / name).write_text(content)

    def environment(self, pod: Pod) -> dict[str, str]:
        given = self.manifests.environment(pod.containers[0], self.secrets)
        placed = {name: self.place(pod, value) for name, value in given.items()}
        return {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"} | placed

    def arguments(self, pod: Pod) -> list[str]:
        words = self.manifests.arguments(pod.containers[0], self.environment(pod))
        return [self.place(pod, word) for word in words]

    def run(self, pod: Pod, entry: list[str]) -> "subprocess.CompletedProcess[str]":
        self.mount(pod)
        words = [sys.executable if word == "python" else word for word in [*entry, *self.arguments(pod)]]
        return subprocess.run(
            words, cwd=ROOT, env=self.environment(pod), capture_output=True, text=True, check=False, timeout=300
        )

    def _files(self, volume: Object) -> dict[str, str]:
        if "secret" in volume:
            return self.secrets[volume["secret"]["secretName"]]
        if "configMap" in volume:
            files: dict[str, str] = self.manifests.one("ConfigMap", volume["configMap"]["name"])["data"]
            return files
        assert "emptyDir" in volume
        return {}


@pytest.fixture(scope="module")
def manifests(rendered: dict[str, str]) -> Manifests:
    return Manifests.of("local", rendered["local"])


@pytest.fixture(scope="module")
def secrets(manifests: Manifests, tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    """What the Job segmentation-keys makes, with the rights that its Role gives."""
    return made_by_the_job(manifests, tmp_path_factory.mktemp("account"), {})


def made_by_the_job(manifests: Manifests, account: Path, there: Secrets) -> Secrets:
    keys = runpy.run_path(str(LOCAL / "keys.py"))
    rules = manifests.one("Role", "segmentation-keys")["rules"]
    readable = {name for rule in rules if "get" in rule["verbs"] for name in rule["resourceNames"]}
    with FakeKubernetes.running(account, readable) as kubernetes:
        kubernetes.secrets = {name: dict(content) for name, content in there.items()}
        keys["make"](keys["Kubernetes"](kubernetes.url, kubernetes.account))
        return kubernetes.secrets


@pytest.fixture(scope="module")
def node(manifests: Manifests, secrets: Secrets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """With the overlay's own S3, run as its pod is: as any user, without rights, on a root that is only to be read."""
    ceph.require()
    folder = tmp_path_factory.mktemp("node")
    port, monitor = free_port(), free_port()
    node = Node(manifests, secrets, folder, {"http://s3:7480": f"http://127.0.0.1:{port}"})
    # Not in pytest's folder: whenever another pytest begins, that is made its owner's alone again.
    with tempfile.TemporaryDirectory(prefix="segmentation-s3-") as place, store(node, Path(place), port, monitor):
        yield node


@contextmanager
def store(node: Node, folder: Path, port: int, monitor: int) -> Iterator[None]:
    pod = node.manifests.pod("Deployment", "s3")
    for path in (folder / "data", folder / "tmp"):
        path.mkdir()
    script = folder / "ceph.sh"
    text = node.manifests.one("ConfigMap", "segmentation-local-scripts")["data"]["ceph.sh"]
    moved = re.sub(r"(?<![\w.$])/(data|tmp)\b", rf"{folder}/\1", text)
    script.write_text(moved.replace("7480", str(port)).replace("6789", str(monitor)))
    given = node.manifests.environment(pod.containers[0], node.secrets) | {"HOME": str(folder / "tmp")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*confined(pod, folder), "bash", str(script)],
            env={"PATH": os.environ["PATH"], **given}, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        wait_until((folder / "data" / "ready").exists, process, folder / "log")
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def confined(pod: Pod, folder: Path) -> list[str]:
    """As the pod's securityContext says, as far as that can be had without a container."""
    if os.geteuid() != 0:
        return []
    context = pod.spec["securityContext"]
    user, group = context["runAsUser"], context["runAsGroup"]
    for path in (folder / "data", folder / "tmp"):
        os.chown(path, user, group)
    folder.chmod(0o755)
    binds = " && ".join(f"mount --bind {path} {path}" for path in (folder / "data", folder / "tmp"))
    drop = f"setpriv --reuid {user} --regid {group} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all"
    inside = f'mount --make-rprivate / && {binds} && mount -o remount,bind,ro / && exec {drop} --pdeathsig TERM "$@"'
    return ["unshare", "--mount", "bash", "-c", inside, "confined"]


def wait_until(ready: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    patience = time.monotonic() + 120
    while not ready():
        if process.poll() is not None or time.monotonic() > patience:
            raise RuntimeError(f"S3 does not start: {log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.2)


@pytest.fixture(scope="module")
def trained(node: Node) -> "subprocess.CompletedProcess[str]":
    """The Job with the data, then the CronJob's."""
    done = node.run(node.manifests.pod("Job", "segmentation-sample-data"), [])
    assert done.returncode == 0, done.stderr
    assert "orders are in s3://segmentation/orders/orders.parquet" in done.stdout
    return node.run(node.manifests.pod("CronJob", "segmentation-training"), ENTRY_POINTS[TRAINING])


def test_a_key_job_that_was_killed_half_way_or_runs_again_makes_keys_that_fit(
    manifests: Manifests, secrets: Secrets, tmp_path: Path
) -> None:
    half = {name: secrets[name] for name in ("segmentation-local-keys", "segmentation-signing-key")}
    assert made_by_the_job(manifests, tmp_path, half) == secrets


def test_the_cron_job_trains_on_the_sample_data_and_publishes_a_signed_model(
    trained: "subprocess.CompletedProcess[str]",
) -> None:
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "published to s3://segmentation/registry and live as production (move 1)" in trained.stdout


def test_the_next_run_finds_that_no_model_is_needed(node: Node, trained: "subprocess.CompletedProcess[str]") -> None:
    again = node.run(node.manifests.pod("CronJob", "segmentation-training"), ENTRY_POINTS[TRAINING])
    assert again.returncode == 0, again.stderr
    assert "not needed" in again.stdout


def test_the_service_serves_it_with_the_key_and_its_metrics_on_their_port(
    node: Node, trained: "subprocess.CompletedProcess[str]", tmp_path: Path
) -> None:
    pod = node.manifests.pod("Deployment", "segmentation")
    node.mount(pod)
    port, metrics = free_port(), free_port()
    environment = node.environment(pod) | {"SEGMENTATION_METRICS_PORT": str(metrics)}
    words = [word.replace("0.0.0.0:8080", f"127.0.0.1:{port}") for word in node.arguments(pod)]
    command = [sys.executable, "-m", *ENTRY_POINTS[SERVICE]]
    log = tmp_path / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, *words], cwd=ROOT, env=environment, stderr=output, stdout=output)
    service = Service(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_for(service)
        container = pod.containers[0]
        probes = [container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
        assert [service.get(path).status for path in probes] == [200, 200, 200], log.read_text()
        assert service.post("/predict", CUSTOMER).status == 401
        assert predicted(service, node.secrets["segmentation-api-key"]["api-key"]) == 2
        assert service.get("/metrics").status == 404
        with urlopen(f"http://127.0.0.1:{metrics}/metrics", timeout=10) as answer:
            assert b"segmentation_model_ready 1.0" in answer.read()
    finally:
        process.terminate()
        assert process.wait(timeout=pod.spec["terminationGracePeriodSeconds"]) == 0


def predicted(service: Service, key: str) -> int:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    with urlopen(Request(f"{service.url}/predict", json.dumps(CUSTOMER).encode(), headers), timeout=30) as answer:
        return len(json.load(answer)["predictions"])


@pytest.mark.parametrize("overlay", ["local", "production"])
def test_duckdb_is_given_what_the_pod_requests(overlay: str, overlays: dict[str, Manifests]) -> None:
    """A number alone, as Kubernetes gives it, is no size for DuckDB."""
    container = overlays[overlay].pod("CronJob", "segmentation-training").containers[0]
    limit = overlays[overlay].environment(container)["SEGMENTATION_MEMORY_LIMIT"]
    with duckdb.connect(config={"memory_limit": limit}) as database:
        row = database.execute("SELECT current_setting('memory_limit')").fetchone()
    assert row is not None
    assert row[0].replace(" ", "").replace(".0", "") == f"{container['resources']['requests']['memory']}B"
