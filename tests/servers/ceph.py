"""A real S3 server for tests: Ceph with one monitor, one OSD and the RADOS Gateway, on loopback, in a folder."""

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.servers.service import free_port

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

_CONFIGURATION = """
[global]
fsid = {fsid}
mon_initial_members = a
mon_host = v1:127.0.0.1:{mon_port}
ms_bind_msgr2 = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_crush_chooseleaf_type = 0
osd_crush_update_on_start = false
osd_class_update_on_start = false
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_data_avail_warn = 2
mon_data_avail_crit = 1
osd_objectstore = bluestore
bluestore_block_size = 4294967296
osd_memory_target = 939524096
run_dir = {folder}
log_file = {folder}/$name.log
admin_socket =
pid_file =
keyring = {folder}/keyring
[mon.a]
mon_data = {folder}/mon
[osd.0]
osd_data = {folder}/osd
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw_data = {folder}/rgw
rgw_enable_apis = s3, admin
debug_rgw = 0
"""


@dataclass(frozen=True)
class Ceph:
    """A running server and the keys of its one user."""

    endpoint: str
    access_key: str
    secret_key: str


def require() -> None:
    """Skip the test where Ceph is not installed; fail it there in CI, so that no change lands untried."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must have Ceph, and {missing[0]} is not installed: `make ci-deps` installs it, as root")
    if missing:
        pytest.skip(f"{missing[0]} is not installed: `make ci-deps` installs it, as root")


@contextmanager
def running(folder: Path) -> Iterator[Ceph]:
    """Start the server in an empty folder (about 15 s), and stop it at the end.

    Its daemons at times do not find one another while they start: then it is begun anew, at most twice.
    """
    with ExitStack() as stack:
        for attempt in range(3):
            try:
                server = stack.enter_context(_started(folder / str(attempt)))
                break
            except (NotStartedError, subprocess.TimeoutExpired):
                if attempt == 2:
                    raise
        yield server


class NotStartedError(Exception):
    """The server did not start."""


@contextmanager
def _started(folder: Path) -> Iterator[Ceph]:
    port, mon_port, fsid, osd = free_port(), free_port(), str(uuid.uuid4()), str(uuid.uuid4())
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir(parents=True)
    (folder / "keyring").touch()
    configuration = folder / "ceph.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, mon_port=mon_port, fsid=fsid))

    def run(program: str, *arguments: str) -> None:
        command = [program, "-c", str(configuration), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise NotStartedError(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def start(program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        return stack.enter_context(_daemon([program, "-c", str(configuration), "-f", *arguments], folder))

    with ExitStack() as stack:
        map_file = str(folder / "monmap")
        run("monmaptool", "--create", "--addv", "a", f"[v1:127.0.0.1:{mon_port}]", "--fsid", fsid, map_file)
        run("ceph-mon", "--mkfs", "-i", "a", "--monmap", map_file)
        monitor = start("ceph-mon", "-i", "a")
        # The client waits for the monitor by itself.
        run("ceph", "--connect-timeout", "30", "osd", "new", osd)
        # Left to itself the OSD asks for this while it starts, and at times stops there, refused with "wrong fsid".
        run("ceph", "osd", "crush", "add", "osd.0", "1", "root=default", "host=here")
        run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        daemons = [monitor, start("ceph-osd", "-i", "0"), start("radosgw", "-n", "client.rgw")]
        endpoint = f"http://127.0.0.1:{port}"
        _wait(lambda: _answers(endpoint), daemons, folder)
        access_key, secret_key = uuid.uuid4().hex[:20], uuid.uuid4().hex
        run("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid", "tests", "--display-name", "tests",
            "--access-key", access_key, "--secret-key", secret_key)  # fmt: skip
        yield Ceph(endpoint, access_key, secret_key)


@contextmanager
def _daemon(command: list[str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    # The kernel stops it where the tests are killed and cannot.
    with (folder / f"{command[0]}.out").open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(endpoint: str) -> bool:
    try:
        urlopen(endpoint, timeout=5).close()
    except (URLError, ConnectionError, TimeoutError):
        return False
    return True


def _wait(ready: Callable[[], bool], daemons: "list[subprocess.Popen[bytes]]", folder: Path) -> None:
    patience = time.monotonic() + 90
    while not ready():
        stopped = [process for process in daemons if process.poll() is not None]
        if stopped or time.monotonic() > patience:
            said = "".join(path.read_text(errors="replace")[-2000:] for path in sorted(folder.glob("*.out")))
            raise NotStartedError(f"Ceph does not start (logs in {folder}): {said}")
        time.sleep(0.2)
