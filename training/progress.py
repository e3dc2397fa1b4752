"""Progress bars for steps that can take a while; steps name themselves, whoever wants to see them looks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import duckdb
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

EVERY_SECONDS = 0.25

_SHOWN: ContextVar[Progress | None] = ContextVar("shown", default=None)


@contextmanager
def shown(console: Console) -> Iterator[None]:
    """Show the steps within on a console: bars on a terminal, nothing in a log.

    Parameters
    ----------
    console
        Where to.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        token = _SHOWN.set(progress)
        try:
            yield
        finally:
            _SHOWN.reset(token)


@contextmanager
def step(name: str, connection: duckdb.DuckDBPyConnection | None = None) -> Iterator[None]:
    """A step that may take a while.

    Parameters
    ----------
    name
        What is being done.
    connection
        Whose query tells how far it is; None: a bar that only moves.
    """
    progress = _SHOWN.get()
    if progress is None or progress.disable:
        yield
        return
    task, done = progress.add_task(name, total=None), threading.Event()
    watcher = threading.Thread(target=_watch, args=(progress, task, connection, done), daemon=True)
    if connection is not None:
        watcher.start()
    try:
        yield
    finally:
        done.set()
        if connection is not None:
            watcher.join()
        progress.remove_task(task)


def _watch(progress: Progress, task: int, connection: duckdb.DuckDBPyConnection, done: threading.Event) -> None:
    while not done.wait(EVERY_SECONDS):
        percent = connection.query_progress()
        if percent >= 0:
            progress.update(task, total=100, completed=percent)  # type: ignore[arg-type]
