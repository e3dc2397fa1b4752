"""The number of workers is that of the processors a container may use."""

import os
from pathlib import Path

import pytest

from service import processors


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(16)))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("files", "limit", "workers"),
    [
        ({"cpu.max": "200000 100000\n"}, 2.0, 2),
        ({"cpu.max": "150000 100000\n"}, 1.5, 2),
        ({"cpu.max": "25000 100000\n"}, 0.25, 1),
        ({"cpu.max": "6400000 100000\n"}, 64.0, 16),
        ({"cpu.max": "max 100000\n"}, None, 2),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3.0, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None, 2),
        ({}, None, 2),
    ],
)
def test_workers_of_a_limit(tmp_path: Path, files: dict[str, str], limit: float | None, workers: int) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert (processors.limit(tmp_path), processors.workers(tmp_path)) == (limit, workers)
