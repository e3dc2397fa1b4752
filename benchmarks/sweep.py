"""The choice of k among 2 to 10 on a million customers, beside KMeans(n_init=10) for each.

`python -m benchmarks.sweep`

Ours measures every k (silhouette, stability, refits, customers without structure) and fits the chosen one on all
customers; the peer only fits. Both have the same threads, and run one after the other.
"""

import argparse
import time

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segmentation.kmeans import kmeans
from segmentation.recipe import Clustering
from segmentation.scoring import Floats
from training.configuration import Configuration
from training.selection import choose_k

DIMENSIONS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    job = Configuration()
    choose_k(clear(2_000), job.selection, job.refits, n_init=1, seed=0)
    print(f"k = {job.selection.least} to {job.selection.most} on {rows:,} customers, {DIMENSIONS} dimensions")
    for name, made in (("clear segments", clear), ("weak structure", weak)):
        space = made(rows)
        started = time.perf_counter()
        chosen = choose_k(space, job.selection, job.refits, n_init=job.clustering.n_init, seed=0)
        choice = time.perf_counter() - started
        restarts = Clustering()
        fitted = kmeans(space, chosen.k, n_init=restarts.n_init, restart_rows=restarts.restart_rows, seed=0)
        ours = time.perf_counter() - started
        started, least, single = time.perf_counter(), float("nan"), float("nan")
        for k in range(job.selection.least, job.selection.most + 1):
            began = time.perf_counter()
            peer = KMeans(k, n_init=10, random_state=0).fit(space)
            if k == chosen.k:
                least, single = float(peer.inertia_), time.perf_counter() - began
        theirs = time.perf_counter() - started
        print(
            f"  {name}: ours {ours:6.1f} s (choice {choice:.1f} s; k = {chosen.k}, natural: {chosen.natural})   "
            f"scikit-learn {theirs:6.1f} s   {theirs / ours:5.1f}x   "
            f"inertia {float(fitted.inertia_) / least - 1:+.4%} of its full fit ({single:.1f} s)",
            flush=True,
        )
        for k in (5, 8):
            with threadpool_limits(limits=1):
                reference = float(KMeans(k, n_init=10, random_state=0).fit(space).inertia_)
            found = kmeans(space, k, n_init=restarts.n_init, restart_rows=restarts.restart_rows, seed=0)
            print(f"    k = {k}: inertia {float(found.inertia_) / reference - 1:+.4%} of a full fit", flush=True)


def clear(rows: int) -> Floats:
    rng = np.random.default_rng(0)
    return rng.normal(size=(6, DIMENSIONS))[rng.integers(0, 6, rows)] * 3 + rng.normal(size=(rows, DIMENSIONS))


def weak(rows: int) -> Floats:
    """Skewed and hardly clustered, as behaviour is."""
    rng = np.random.default_rng(1)
    mixed = rng.gamma(2.0, 1.0, size=(rows, DIMENSIONS)) @ rng.normal(size=(DIMENSIONS, DIMENSIONS))
    return np.asarray((mixed - mixed.mean(axis=0)) / mixed.std(axis=0))


if __name__ == "__main__":
    main()
