"""The exact silhouette beside scikit-learn's, as rows grow: `python -m benchmarks.silhouette [--rows 10000 …]`."""

import argparse
import time

import numpy as np
from sklearn.metrics import silhouette_score

from benchmarks.measure import peak_megabytes
from training.silhouette import silhouette

SIZES = (10_000, 20_000, 50_000)
DIMENSIONS, CLUSTERS = 5, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    silhouette(rng.normal(size=(1_000, DIMENSIONS)), rng.integers(0, CLUSTERS, 1_000))
    print(f"silhouette of all rows, {DIMENSIONS} dimensions, {CLUSTERS} clusters (compiled before)")
    for rows in arguments.rows:
        labels = rng.integers(0, CLUSTERS, rows)
        points = rng.normal(labels[:, np.newaxis], 1, (rows, DIMENSIONS))
        started = time.perf_counter()
        ours = silhouette(points, labels, exact_up_to=rows).value
        seconds, peak = time.perf_counter() - started, peak_megabytes()
        started = time.perf_counter()
        theirs = float(silhouette_score(points, labels))
        peer = time.perf_counter() - started
        print(
            f"  {rows:9,} rows: ours {seconds:7.2f} s ({peak:.0f} MB)   scikit-learn {peer:7.2f} s   "
            f"{peer / seconds:5.1f}x   apart by {abs(ours - theirs):.1e}"
        )


if __name__ == "__main__":
    main()
