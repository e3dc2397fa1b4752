"""gunicorn's settings: `gunicorn -c service/gunicorn.conf.py 'service.app:create_app()'`.

gunicorn's own flags and WEB_CONCURRENCY override them. docs/operations.md says why they are what they are.
"""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from typing import Any

from gunicorn.util import parse_address

# One thread of a request, one of the library's: more would only take each other's processor.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from service.allocator import keep_freed
from service.processors import workers as suitable_workers

keep_freed()

bind = "127.0.0.1:8080"
_workers = os.environ.get("WEB_CONCURRENCY") or str(suitable_workers())
if not _workers.isdecimal() or int(_workers) == 0:
    sys.stderr.write(f"WEB_CONCURRENCY is {_workers!r}\n  it takes a number of workers, 1 or more\n")
    sys.exit(2)
workers = int(_workers)
worker_class = "service.worker.Worker"
logger_class = "service.logs.GunicornLogger"
threads = 4
worker_connections = 500
timeout = 60
graceful_timeout = 20
keepalive = 75
# Nobody before it may say where it is mounted: a path that did not fit would be a defect of ours.
forwarder_headers = ""
# Nothing leaks that a restart would mend.
max_requests = 0
# Nothing here uses it, and it would want a writable home.
control_socket_disable = True

COUNTERS = "SEGMENTATION_COUNTERS_DIR"


def _scratch() -> str:
    """A folder for small files of this run: in memory where that can be, so that a read-only root will do."""
    shared = "/dev/shm"  # noqa: S108 - files in it are made exclusively, for this user alone
    return shared if "TMPDIR" not in os.environ and os.access(shared, os.W_OK | os.X_OK) else tempfile.gettempdir()


worker_tmp_dir = _scratch()


def on_starting(server: Any) -> None:
    """Before the workers start: refuse wrong settings in two lines, and make the folder of the workers' counters."""
    from segmentation.errors import ConfigurationError
    from segmentation.settings import load
    from service.app import prepare

    try:
        settings = load()
        prepare(settings)
        _refuse_own_port(server, settings.metrics_port)
    except ConfigurationError as error:
        # Two lines, no traceback: it is the setting that is wrong.
        server.log.error("%s\n  %s", error.message, error.hint)  # noqa: TRY400
        sys.exit(error.exit_status)
    os.environ[COUNTERS] = folder = tempfile.mkdtemp(prefix="segmentation-counters-", dir=_scratch())
    arbiter = os.getpid()

    def remove() -> None:
        # The workers are forks of the arbiter and inherit this.
        if os.getpid() == arbiter:
            from service.drift.arrays import Arrays

            untold = Arrays(folder).untold()
            if untold:
                server.log.warning("%d customers were counted after the last scrape and are in no metric", untold)
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def _refuse_own_port(server: Any, port: int | None) -> None:
    """Refuse a port of metrics that would not be listened on, or on which nothing else would be answered."""
    from segmentation.errors import ConfigurationError

    if port is None:
        return
    addresses = server.cfg.settings["bind"].get()
    at = _metrics_address(addresses, str(port))
    if at is None:
        raise ConfigurationError(
            f"SEGMENTATION_METRICS_PORT is {port}, and the service listens on {addresses[0]}, which has no ports",
            hint="leave it unset: GET /metrics is then answered where the other routes are",
        )
    own = [address for number, address in enumerate(addresses) if number == 0 or address != at]
    if any(_place(address)[1] == port for address in own):
        raise ConfigurationError(
            f"SEGMENTATION_METRICS_PORT is {port}, where the service itself listens",
            hint="give another port, or leave it unset: GET /metrics is then answered on that of the other routes",
        )


def nworkers_changed(server: Any, _new: int, _old: int | None) -> None:
    """Add the port of metrics to what is listened on.

    gunicorn calls this whenever it has read its configuration, before it opens sockets, and has no other place for it:
    `bind` above is not what counts where there is a --bind.
    """
    port = os.environ.get("SEGMENTATION_METRICS_PORT", "")
    addresses = server.cfg.settings["bind"].get()
    metrics = _metrics_address(addresses, port) if port else None
    if metrics is not None and metrics not in addresses:
        server.cfg.set("bind", [*addresses, metrics])


def _metrics_address(addresses: list[str], port: str) -> str | None:
    """Beside the first that the service listens on; None beside a socket that has no ports."""
    host, _ = _place(addresses[0])
    if host is None:
        return None
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _place(address: str) -> tuple[str | None, int]:
    """Host, empty for all, and port; no host for a socket of Unix or one that was handed over."""
    found = parse_address(address)
    return (found[0], found[1]) if isinstance(found, tuple) else (None, 0)


def when_ready(server: Any) -> None:
    """Before the first worker is forked."""
    from segmentation.settings import load
    from service import stopping
    from service.condition import CONDITION

    settings = load()
    stopping.install(CONDITION, stopping.drain_seconds(settings), server.signal)
    open_to_all = [str(listener) for listener in server.LISTENERS if not _local(listener)]
    if open_to_all and not settings.api_keys_file and not settings.allow_anonymous:
        server.log.warning(
            "there are no API keys: of those who call %s, only this machine is answered; see docs/security.md",
            ", ".join(open_to_all),
        )
    # What was imported so far is shared by all workers as long as nobody writes to it, the collector included.
    gc.collect()
    gc.freeze()
    # At the end everything is given back, or DuckDB's binding reports leaks.
    atexit.register(gc.unfreeze)


def _local(listener: Any) -> bool:
    address = listener.getsockname()
    return not isinstance(address, tuple) or address[0].startswith("127.") or address[0] == "::1"
