"""How many processors this process may use: in a container, what its limit says and not what the machine has."""

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def limit(root: Path = CGROUPS) -> float | None:
    """The limit of the container.

    Parameters
    ----------
    root
        Where control groups are mounted, version 2 or 1.

    Returns
    -------
    float or None
        In processors; None where there is no limit.
    """
    try:
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
    except FileNotFoundError:
        try:
            quota, period = (
                (root / "cpu" / name).read_text(encoding="ascii").strip()
                for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            )
        except FileNotFoundError:
            return None
    if quota in ("max", "-1"):
        return None
    return int(quota) / int(period)


def workers(root: Path = CGROUPS) -> int:
    """How many workers suit them.

    Parameters
    ----------
    root
        See `limit`.

    Returns
    -------
    int
        The limit, rounded up; without one, two (or one, on a machine with one processor): a service alone on a large
        machine is told how much of it to take by WEB_CONCURRENCY.
    """
    usable = len(os.sched_getaffinity(0))
    limited = limit(root)
    return min(usable, 2) if limited is None else max(1, min(math.ceil(limited), usable))
