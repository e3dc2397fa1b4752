"""Weekly refits of a growing shop, beside plain scikit-learn; and the whole simulation on Olist.

`SEGMENTATION_TEST_DATA=FOLDER python -m benchmarks.maintenance [--customers 100000] [--weeks 50]`, FOLDER holding
`olist/`. A refit is: preprocessing fitted, KMeans fitted, everybody given a segment. The customers of all weeks are in
memory before the clock starts: what their features take is told apart.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.measure import command, olist
from segmentation.features import select
from segmentation.settings import Settings
from training import configuration, sources
from training.database import open_database
from training.maintenance import floor
from training.maintenance.comparison import agreement
from training.maintenance.models import Recipe, fit
from training.maintenance.replay import Ints, Replay, Seen
from training.maintenance.steps import NO_DIFFERENCE, SURE_FLOOR, Chain, refit

K = 5
FEATURES = ("recency_days", "frequency", "monetary", "review_score")
LAST = datetime(2025, 12, 30, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--weeks", type=int, default=50)
    asked = parser.parse_args()
    refits(asked.customers, asked.weeks)
    folder = olist()
    if folder is None:
        print("simulation on Olist: skipped, SEGMENTATION_TEST_DATA is not set")
        return
    days = [part for day in ("2017-09-01", "2017-12-01", "2018-03-02") for part in ("--origin", day)]
    for preset in ("j28u", "olist"):
        with tempfile.TemporaryDirectory() as out:
            cost = command(["-m", "training", "maintenance", "--source", "olist", "--data", str(folder), "--config",
                            preset, *days, "--out", out])  # fmt: skip
        print(f"simulation on Olist, {preset}, 3 origins: {cost.seconds:.1f} s, {cost.peak_megabytes:,.0f} MB peak")


def refits(customers: int, weeks: int) -> None:
    # About half of the generated shop's customers are there a year before its end: the same are looked at in all weeks.
    settings = configuration.load("sample", Path("j28u"), [f"sample.customers={2 * customers}"])
    with open_database(Settings()) as database:
        loaded = sources.load(database, "sample", None, settings)
        features = select(FEATURES, loaded.catalogue)
        started = time.perf_counter()
        replay = Replay(database, loaded, features)
        begin = replay.at(LAST - timedelta(weeks=weeks))
        chosen = np.sort(np.random.default_rng(0).permutation(begin.customers)[:customers])
        dates = [begin.date + timedelta(weeks=week) for week in range(weeks + 1)]
        seen = [only(replay.at(date), chosen) for date in dates]
        print(f"features of {len(seen)} weeks, {2 * customers:,} customers: {time.perf_counter() - started:.1f} s")
    recipe = Recipe(features, (), settings, K)
    first, labels = fit(seen[0].features, recipe)
    least = floor.refits(first, seen[0].features, labels).told().ari_low
    print(f"{len(seen[0].customers):,} customers, noise floor {least:.3f}; warm starts need {SURE_FLOOR}")
    checked = {1, 1 + weeks // 2, weeks}
    # Compiled once, and kept: no first refit should pay for it.
    refit(seen[1].features, seen[1].customers, Chain(first, seen[0].customers, labels), recipe)
    chain, ours, worst, took, compared, checks = Chain(first, seen[0].customers, labels), [], 0.0, 0.0, 0.0, 0.0
    for week, each in enumerate(seen[1:], start=1):
        started = time.perf_counter()
        chain = refit(each.features, each.customers, chain, recipe)
        made = time.perf_counter()
        then = first.labels(each.features)
        ours.append(agreement(then, chain.labels, K))
        done = time.perf_counter()
        took, compared = took + made - started, compared + done - made
        if week in checked:
            worst = max(worst, abs(ours[-1] - agreement(then, fit(each.features, recipe)[1], K)))
            checks += time.perf_counter() - done
    theirs, other = peer(seen)
    with threadpool_limits(limits=1):
        _, single = peer(seen)
    print(
        f"{weeks} refits: ours {took:.2f} s, on one thread; scikit-learn {other:.1f} s ({other / took:.0f}x), on one "
        f"thread {single:.1f} s ({single / took:.0f}x)"
    )
    print(
        f"ours besides: {compared:.2f} s to compare with the first model, {checks:.2f} s for three full refits to check"
    )
    apart = float(np.abs(np.array(ours) - theirs).max())
    print(
        f"ARI {ours[0]:.4f} to {ours[-1]:.4f}; at most {worst:.4f} from full refits where compared (allowed "
        f"{NO_DIFFERENCE}), {apart:.4f} from scikit-learn's anywhere"
    )


def peer(seen: Sequence[Seen]) -> tuple[list[float], float]:
    """What plain scikit-learn finds, and how many seconds its refits take, comparisons not counted."""
    found, took = [], 0.0
    first = plain(seen[0].features)
    for each in seen[1:]:
        started = time.perf_counter()
        model = plain(each.features)
        took += time.perf_counter() - started
        frame = filled(each.features)
        found.append(adjusted_rand_score(first.predict(frame), model.predict(frame)))
    return found, took


def only(seen: Seen, chosen: Ints) -> Seen:
    """Some of the customers of a date."""
    rows = np.isin(seen.customers, chosen)
    return Seen(seen.date, seen.customers[rows], seen.features[rows], None)


def filled(features: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(features, columns=list(FEATURES))
    return frame.fillna(frame.mean())


def plain(features: np.ndarray) -> Pipeline:
    return make_pipeline(StandardScaler(), KMeans(K, n_init=10, random_state=8)).fit(filled(features))


if __name__ == "__main__":
    main()
