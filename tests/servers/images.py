"""Images built and containers run for real, with buildah, podman and runc, in a folder of their own."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.servers.service import ROOT

PROGRAMS = ("buildah", "podman", "runc", "catatonit", "debootstrap", "newuidmap", "slirp4netns")
BASE = "docker.io/library/python:3.11-slim-bookworm"
USER = "10001"
CGROUP = Path("/sys/fs/cgroup")

_STORAGE = '[storage]\ndriver = "overlay"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
# crun, podman's own choice, fails where control groups of version 1 and 2 are mixed.
_CONTAINERS = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=8192:8192"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{folder}/tmp"
"""


class ContainerError(Exception):
    """A command of podman's or a build failed."""


@dataclass(frozen=True)
class Container:
    """A container that was started."""

    shop: "Shop"
    name: str

    def log(self) -> str:
        done = subprocess.run(
            ["podman", "logs", self.name], env=self.shop.environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def signal(self, name: str) -> None:
        self.shop.podman("kill", "--signal", name, self.name)

    def wait(self, seconds: float = 120.0) -> int:
        """How it ended."""
        return int(self.shop.podman("wait", self.name, seconds=seconds))

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command in it, as a health check is one."""
        return subprocess.run(
            ["podman", "exec", self.name, *command],
            env=self.shop.environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.shop.podman("inspect", "--type", "container", self.name))[0]["State"]
        return state

    def remove(self) -> None:
        self.shop.podman("rm", "--force", "--time", "0", "--ignore", self.name)

    def memory(self) -> Callable[[], tuple[int, int]]:
        """Of a running container: tells its peak, page cache included, and what its processes hold now, in bytes."""
        group = str(self.state.get("CgroupPath", "")).lstrip("/")
        for folder, peak, held in (
            (CGROUP / "memory" / group, "memory.max_usage_in_bytes", "total_rss"),
            (CGROUP / group, "memory.peak", "anon"),
        ):
            if group and (folder / "memory.stat").is_file():
                return partial(_memory, folder, peak, held)
        raise ContainerError(f"{self.name} has no control group of memory below {CGROUP}: {group!r}")


def _memory(folder: Path, peak: str, held: str) -> tuple[int, int]:
    told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return int((folder / peak).read_text()), int(told[held])


@dataclass(frozen=True)
class Shop:
    """Where images are built and containers run."""

    folder: Path
    environment: Mapping[str, str]

    def build(self, image: str, tag: str = "dev", version: str = "0.0.0", revision: str = "0" * 40) -> str:
        """One of the project's images, by the command that users build it with; gives its name."""
        self._run(
            [str(ROOT / "docker/build.sh")], 600, IMAGES=image, TAG=tag, VERSION=version, REVISION=revision,
            SOURCE_DATE_EPOCH="1767225600", BUILDER="buildah",
            BUILDAH_OPTIONS="--quiet --runtime runc --network host --pull-never",
        )  # fmt: skip
        return f"localhost/customer-segmentation-{image}:{tag}"

    def start(
        self,
        image: str,
        name: str,
        *command: str,
        memory: str = "512m",
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> Container:
        """Run it as a restricted pod does: no root, no capability, nothing writable but memory and what is mounted."""
        variables = [part for each in (environment or {}).items() for part in ("--env", "=".join(each))]
        self.podman(
            "run", "--detach", "--name", name, "--no-healthcheck", "--network", "host", "--read-only",
            "--read-only-tmpfs=false", "--tmpfs", "/tmp:size=64m", "--user", USER, "--memory", memory,
            "--memory-swap", memory, "--cap-drop", "ALL", "--security-opt", "no-new-privileges", *variables, *options,
            image, *command,
        )  # fmt: skip
        return Container(self, name)

    def inspect(self, image: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.podman("image", "inspect", image))[0]
        return told

    @contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """Its files."""
        place = Path(self.podman("image", "mount", image))
        try:
            yield place
        finally:
            self.podman("image", "unmount", image)

    def podman(self, *arguments: str, seconds: float = 120.0) -> str:
        return self._run(["podman", *arguments], seconds)

    def _run(self, command: Sequence[str], seconds: float, **variables: str) -> str:
        # Not in the folder of the code: conmon leaves a file there when a container runs out of memory.
        done = subprocess.run(
            command, cwd=self.folder / "work", env={**self.environment, **variables}, capture_output=True, text=True,
            check=False, timeout=seconds,
        )  # fmt: skip
        if done.returncode:
            raise ContainerError(f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout.strip()


def require() -> None:
    """Skip the test where images cannot be built and run; fail it there in CI, so that no change lands untried."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    missing += [] if os.geteuid() == 0 else ["the right to mount (root)"]
    if missing and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must build and run images, and {missing[0]} is missing: see `make ci-deps`, as root")
    if missing:
        pytest.skip(f"{missing[0]} is missing: `make ci-deps` installs what builds and runs images, as root")


@contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    """An empty shop with the local base in it (about a minute); containers and images are gone at the end."""
    for name in ("run", "graph", "tmp", "work"):
        (folder / name).mkdir(parents=True)
    (folder / "storage.conf").write_text(_STORAGE.format(folder=folder))
    (folder / "containers.conf").write_text(_CONTAINERS.format(folder=folder))
    environment = {
        **os.environ,
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "TMPDIR": str(folder / "work"),
    }
    shop = Shop(folder, environment)
    try:
        shop._run([str(ROOT / "tests/servers/oci-base.sh")], 600)
        yield shop
    finally:
        shop.podman("rm", "--all", "--force", "--time", "0")
        shop.podman("image", "rm", "--all", "--force")
        for name in ("graph/overlay", "run/overlay"):
            # Where a build or a test broke off, a mount may be left, and nothing could be removed below it.
            subprocess.run(["umount", "--recursive", "--quiet", str(folder / name)], capture_output=True, check=False)
