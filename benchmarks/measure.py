"""How we measure: a command's wall time and peak memory, a call's median time."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    seconds: float
    peak_megabytes: float


def command(arguments: Sequence[str], *, show: bool = False) -> Cost:
    """Run a Python command in a process of its own; its peak is that of the process, not of what was before it."""
    sys.stdout.flush()
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=None if show else subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(arguments)} failed with exit code {process.returncode}")
    return Cost(seconds, usage.ru_maxrss / 1024)


def call(function: Callable[[], object], times: int) -> float:
    """Median seconds of a call, after two calls that do not count."""
    function(), function()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def olist() -> Path | None:
    """The folder of Olist's tables, where SEGMENTATION_TEST_DATA says that it is."""
    folder = os.environ.get("SEGMENTATION_TEST_DATA")
    return Path(folder, "olist") if folder else None


def peak_megabytes() -> float:
    """Peak resident memory of this process; unlike ru_maxrss it does not count what its parent was before the exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
