"""The silhouette beside scikit-learn's, as rows grow: `python -m benchmarks.silhouette [--rows 10000 …]`.

Both are timed in one process, one after the other; the peak memory of ours is that of a process of its own.
"""

import argparse
import statistics
import time

import numpy as np
import numpy.typing as npt

from benchmarks.measure import command, peak_megabytes
from training.silhouette import silhouette

SIZES = (10_000, 20_000, 50_000, 100_000)
BEYOND = 1_000_000
"""Rows of which the silhouette is estimated, with its error."""

DIMENSIONS, CLUSTERS = 5, 5
ROUNDS = 5
"""Of ours, whose median counts; scikit-learn's is measured once, as it takes a minute."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--alone", type=int, help="ours alone, at this size")
    arguments = parser.parse_args()
    if arguments.alone:
        alone(arguments.alone)
        return
    from sklearn.metrics import silhouette_score

    silhouette(*made(1_000))
    print(f"silhouette of all rows, {DIMENSIONS} dimensions, {CLUSTERS} clusters (compiled before)")
    for rows in arguments.rows:
        points, labels = made(rows)
        ours, taken = 0.0, []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            ours = silhouette(points, labels, exact_up_to=rows).value
            taken.append(time.perf_counter() - started)
        seconds = statistics.median(taken)
        started = time.perf_counter()
        theirs = float(silhouette_score(points, labels))
        peer = time.perf_counter() - started
        print(
            f"  {rows:9,} rows: ours {seconds:7.2f} s   scikit-learn {peer:7.2f} s   {peer / seconds:5.1f}x   "
            f"apart by {abs(ours - theirs):.1e}"
        )
    for rows in (max(arguments.rows), BEYOND):
        command(["-m", "benchmarks.silhouette", "--alone", str(rows)], show=True)


def alone(rows: int) -> None:
    points, labels = made(rows)
    silhouette(points[:1_000], labels[:1_000])
    before, started = peak_megabytes(), time.perf_counter()
    found = silhouette(points, labels)
    seconds, how = time.perf_counter() - started, "exact" if found.rows == rows else f"estimated on {found.rows:,}"
    print(
        f"  {rows:9,} rows alone: {found.value:.4f} ± {found.standard_error:.4f} ({how}) in {seconds:.2f} s, peak "
        f"{peak_megabytes():.0f} MB (libraries and data {before:.0f} MB)"
    )


def made(rows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLUSTERS, rows)
    return rng.normal(labels[:, np.newaxis], 1, (rows, DIMENSIONS)), labels


if __name__ == "__main__":
    main()
