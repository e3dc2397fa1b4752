"""The same data give the same bytes, whatever the threads, the hash seed, and the order of rows in the files."""

import csv
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from segmentation.registry import open_registry
from tests.servers.service import ROOT
from tests.training.olist_tables import write

FILES = (
    "card.json",
    "features.sql",
    "model.pkl",
    "scoring.npz",
    "scores.json",
    "plots/k-means.png",
    "plots/spectral.png",
    "plots/dbscan.png",
    "report.html",
    "report/pca.png",
    "report/tsne.png",
)


def artefacts(arguments: list[str], registry: Path, one_core: bool = False, **environment: str) -> dict[str, bytes]:
    """Run the job in a process of its own and read back what it published."""
    command = [sys.executable, "-m", "training", "run", "--registry", str(registry), *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"} | environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_on_one_core if one_core else None,
    )
    assert done.returncode == 0, done.stderr
    version = open_registry(str(registry)).live("production").version
    return {name: (registry / "models" / version / name).read_bytes() for name in FILES}


def _on_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def shuffled(folder: Path, target: Path) -> Path:
    """The same tables with their rows in another order."""
    shuffle = random.Random(1)
    target.mkdir()
    for path in folder.glob("*.csv"):
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *rows = list(csv.reader(file))
        shuffle.shuffle(rows)
        with (target / path.name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
    return target


def compare(folder: Path, tmp_path: Path, *arguments: str) -> None:
    first = artefacts(["--source", "olist", "--data", str(folder), *arguments], tmp_path / "first",
                      PYTHONHASHSEED="1", OMP_NUM_THREADS="8", OPENBLAS_NUM_THREADS="8")  # fmt: skip
    other = shuffled(folder, tmp_path / "shuffled")
    second = artefacts(["--source", "olist", "--data", str(other), *arguments], tmp_path / "second",
                       one_core=True, PYTHONHASHSEED="2", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # fmt: skip
    assert [name for name in FILES if first[name] != second[name]] == []


def test_small_tables_give_the_same_bytes(tmp_path: Path) -> None:
    compare(write(tmp_path / "olist"), tmp_path, "--set", "clustering.k=2", "--set", "gate.structure=null")


@pytest.mark.real_data
def test_olist_gives_the_same_bytes(real_data: Path, tmp_path: Path) -> None:
    compare(real_data / "olist", tmp_path)
