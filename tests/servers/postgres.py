"""A real PostgreSQL server for tests, on loopback, in a folder; the server refuses to run as root."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.servers.service import free_port

DEBIAN = "/usr/lib/postgresql"


@dataclass(frozen=True)
class Postgres:
    """A running server; its user `postgres` needs no password."""

    port: int
    process: "subprocess.Popen[bytes]"

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str, options: str = "") -> str:
        """An empty database; gives its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" {options}')
        return self.url(name)


def programs() -> Path | None:
    """The folder of the newest server that is installed; Debian puts it outside of PATH."""
    found = sorted(Path(DEBIAN).glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def require() -> Path:
    """Skip the test where PostgreSQL is not installed; fail it there in CI, so that no change lands untried."""
    folder = programs()
    if folder is None:
        told = "postgres is not installed: `make ci-deps` installs it, as root"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"CI must have PostgreSQL, and {told}")
        pytest.skip(told)
    return folder


@contextmanager
def running(*options: str) -> Iterator[Postgres]:
    """Start the server in a folder of its own (about 1 s), and stop it at the end."""
    # Not in pytest's folder, which is for root's eyes alone.
    with tempfile.TemporaryDirectory(prefix="postgres-") as name, _running(Path(name), *options) as server:
        yield server


@contextmanager
def _running(folder: Path, *options: str) -> Iterator[Postgres]:
    where, data, port = require(), folder / "data", free_port()
    # Root may become the user that Debian's package made; others run the server as themselves.
    whom = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if whom:
        shutil.chown(folder, "postgres", "postgres")
    command = [
        str(where / "initdb"),
        "-D",
        str(data),
        "-A",
        "trust",
        "-U",
        "postgres",
        "--locale=C.UTF-8",
        "-E",
        "UTF8",
    ]
    done = subprocess.run([*whom, *command, "--no-sync"], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder}
    given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    given += [part for option in options for part in ("-c", option)]
    with (folder / "postgres.out").open("wb") as output:
        process = subprocess.Popen(
            # The kernel stops it where the tests are killed and cannot.
            [*whom, "setpriv", "--pdeathsig", "INT", str(where / "postgres"), "-D", str(data), *given],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder,
        )  # fmt: skip
    try:
        server = Postgres(port, process)
        _wait(server, folder)
        yield server
    finally:
        # At once: its data are thrown away, and connections that a failed test left open are ended.
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Postgres, folder: Path) -> None:
    command = [str(require() / "pg_isready"), "-h", "127.0.0.1", "-p", str(server.port), "-q"]
    for _ in range(300):
        if subprocess.run(command, check=False).returncode == 0:
            return
        if server.process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL does not start: {(folder / 'postgres.out').read_text(errors='replace')[-2000:]}")
