"""gunicorn's settings: `gunicorn -c service/gunicorn.conf.py 'service.app:create_app()'`.

gunicorn's own flags and WEB_CONCURRENCY override them.
"""

import atexit
import os
import shutil
import sys
import tempfile
from typing import Any

bind = "127.0.0.1:8080"
_workers = os.environ.get("WEB_CONCURRENCY", "2")
if not _workers.isdecimal():
    sys.exit(f"WEB_CONCURRENCY is {_workers!r}; it takes a number of workers")
workers = int(_workers)
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 30
keepalive = 75
# Nothing here uses it, and it would want a writable home.
control_socket_disable = True

COUNTERS = "SEGMENTATION_COUNTERS_DIR"


def on_starting(server: Any) -> None:
    """Before the workers start: refuse wrong settings in two lines, and make the folder of the workers' counters."""
    from segmentation.errors import ConfigurationError
    from segmentation.settings import load
    from service.app import require

    try:
        require(load())
    except ConfigurationError as error:
        # Two lines, no traceback: it is the setting that is wrong.
        server.log.error("%s\n  %s", error.message, error.hint)  # noqa: TRY400
        sys.exit(error.exit_status)
    os.environ[COUNTERS] = folder = tempfile.mkdtemp(prefix="segmentation-counters-")
    arbiter = os.getpid()

    def remove() -> None:
        # The workers are forks of the arbiter and inherit this.
        if os.getpid() == arbiter:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
