"""Every algorithm on all of Olist's customers, and on a million generated ones.

`SEGMENTATION_TEST_DATA=FOLDER python -m benchmarks.comparison [--rows 1000000]`, FOLDER holding `olist/`.
"""

import argparse
import tempfile
import time

import numpy as np

from benchmarks.measure import command, olist, peak_megabytes
from training.algorithms import ALGORITHMS, Budget
from training.algorithms.running import run
from training.comparison.cost import measured

ROWS, DIMENSIONS, GROUPS = 1_000_000, 9, 6
TIGHT = 50
"""Megabytes that a million rows do not fit into."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    folder = olist()
    if folder is None:
        print("compare on Olist: skipped, SEGMENTATION_TEST_DATA is not set")
    else:
        with tempfile.TemporaryDirectory() as out:
            cost = command(["-m", "training", "compare", "--source", "olist", "--data", str(folder), "--out", out])
        print(f"compare, all algorithms on Olist: {cost.seconds:.1f} s, {cost.peak_megabytes:,.0f} MB peak")
    print(f"{rows:,} generated rows of {DIMENSIONS} dimensions in {GROUPS} groups, labels only")
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 2, (GROUPS, DIMENSIONS))
    space = rng.normal(centres[rng.choice(GROUPS, rows, p=rng.dirichlet(np.full(GROUPS, 2.0)))], 1.0)
    for algorithm in ALGORITHMS:
        found, cost_of_run = measured(lambda algorithm=algorithm: run(algorithm, space, GROUPS))  # type: ignore[misc]
        form = found.form or "refused"
        peak = "?" if cost_of_run.megabytes is None else f"{cost_of_run.megabytes:,.0f}"
        print(
            f"  {algorithm.name:22} {form:12} on {found.rows:9,} rows {cost_of_run.seconds:7.1f} s   {peak:>6} MB "
            f"(foreseen {found.megabytes:,.0f})",
            flush=True,
        )
    started = time.perf_counter()
    refused = [run(algorithm, space, GROUPS, budget=Budget(megabytes=TIGHT)).refusal for algorithm in ALGORITHMS]
    seconds = time.perf_counter() - started
    print(f"  with {TIGHT} MB each: {sum(map(bool, refused))} of {len(refused)} refused in {seconds:.3f} s together")
    print(f"  peak of this process: {peak_megabytes():,.0f} MB")


if __name__ == "__main__":
    main()
