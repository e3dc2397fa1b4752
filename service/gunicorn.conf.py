"""gunicorn's settings: `gunicorn -c service/gunicorn.conf.py 'service.app:create_app()'`.

gunicorn's own flags and WEB_CONCURRENCY override them.
"""

import os
import shutil
import tempfile
from typing import Any

bind = "127.0.0.1:8080"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 30
keepalive = 75
# Nothing here uses it, and it would want a writable home.
control_socket_disable = True

COUNTERS = "SEGMENTATION_COUNTERS_DIR"


def on_starting(server: Any) -> None:
    """Before the workers start: the folder in which each keeps its counters."""
    os.environ[COUNTERS] = server.counters = tempfile.mkdtemp(prefix="segmentation-counters-")


def on_exit(server: Any) -> None:
    """After the workers have stopped."""
    shutil.rmtree(server.counters, ignore_errors=True)
