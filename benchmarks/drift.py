"""False alarms and detections of the calibrated drift statistics, beside fixed cut-offs on the PSI.

`SEGMENTATION_TEST_DATA=FOLDER python -m benchmarks.drift [--customers 100000] [--windows 1000]`, FOLDER holding
`olist/`. The customers of a source are parted at random. The model, its reference and its calibration see one half; all
windows are of the other half, drawn without replacement.
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.measure import olist
from segmentation.drift import LEVELS, Counts, Drift, Level, psis
from segmentation.scoring import Arrays, Floats, score
from segmentation.settings import Settings
from training import configuration, job, sources
from training.configuration import Configuration
from training.database import open_database
from training.drift.calibration import draw
from training.drift.reference import reference
from training.fitting import train
from training.populations import Populations
from training.redundancy import without_redundant

SIZES = (50, 100, 200, 500, 1000, 2000, 5000)
CUT_OFFS = (0.1, 0.2, 0.25)
QUICK = ("report=null", "comparison.algorithms=[]", "refits.times=2", "refits.rows=1000")

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """A model of half of a source's customers, and the others.

    Parameters
    ----------
    drift, arrays
        Of the model.
    names
        Its features.
    fresh
        Features of the other half, float64, shape (n, d).
    """

    drift: Drift
    arrays: Arrays
    names: tuple[str, ...]
    fresh: Floats

    def binned(self, rows: Floats) -> Counts:
        """The bin of each customer for each monitor, -1 for none; shape (n, monitors)."""
        scores = score(self.arrays, rows)
        values: dict[str, Floats | Counts] = {
            "segments": scores.segment, "distance": scores.distance, "residual": scores.residual
        }  # fmt: skip
        values |= {f"feature:{name}": rows[:, at] for at, name in enumerate(self.names)}
        columns = []
        for monitor in self.drift.monitors:
            if monitor.kind == "distance_within":
                inside = scores.segment == int(monitor.name.removeprefix("distance:"))
                columns.append(np.where(inside, monitor.bin(scores.distance), -1))
            else:
                columns.append(monitor.bin(values[monitor.name]))
        return np.column_stack(columns)

    def scaled(self, rows: Floats, factor: float, feature: str) -> Floats:
        """The same customers with one feature times a factor."""
        changed = rows.copy()
        changed[:, self.names.index(feature)] *= factor
        return changed


def halves(source: str, data: str | None, chosen: Configuration, seed: int = 0) -> Halves:
    """Fit and calibrate a model on half of the customers."""
    with open_database(Settings()) as database:
        snapshot = job.look(database, sources.load(database, source, data, chosen), chosen)
    everybody = np.ones(len(snapshot.customers), dtype=np.bool_)
    snapshot = without_redundant(snapshot, chosen.redundant, ("monetary",), chosen.seed, everybody, ())
    order = np.random.default_rng(seed).permutation(len(everybody))
    known, fresh = np.sort(order[::2]), np.sort(order[1::2])
    half = replace(snapshot, customers=snapshot.customers.iloc[known])
    populations = Populations((), np.full(len(known), -1, dtype=np.int64))
    fitted = train(half.customers, half.features, chosen)
    ids = range(len(fitted.arrays.centroids))
    started = time.perf_counter()
    drift = reference(half, populations, fitted, ids, chosen.drift, chosen.seed)
    print(f"{source}: {len(known):,} customers, {len(drift.monitors)} statistics, {drift.windows:,} windows; "
          f"reference and calibration {time.perf_counter() - started:.2f} s; tail shape {drift.tail:.2f}")  # fmt: skip
    return Halves(drift, fitted.arrays, tuple(half.customers.columns), snapshot.customers.iloc[fresh].to_numpy())


def statistics(
    drift: Drift, binned: Counts, sizes: Sequence[int], rng: np.random.Generator, *, against_others: bool = False
) -> tuple[Floats, Floats]:
    """PSI of each window and monitor, and 1/n + 1/N; NaN where there are too few customers.

    Windows are compared with the model's reference, or with all those fresh customers who are not in the window.
    """
    windows, others = draw(binned, [len(monitor.counts) for monitor in drift.monitors], np.asarray(sizes), rng)
    found, room = np.full((2, len(sizes), len(windows)), np.nan)
    for at, monitor in enumerate(drift.monitors):
        expected = others[at] if against_others else np.array([monitor.counts])
        n, reference_n = windows[at].sum(axis=1), np.broadcast_to(expected.sum(axis=1), len(sizes))
        enough = (n >= drift.minimum) & (reference_n >= drift.minimum)
        found[enough, at] = psis(expected, windows[at])[enough]
        room[enough, at] = 1 / n[enough] + 1 / reference_n[enough]
    return found, room


def alarms(drift: Drift, found: Floats, room: Floats, level: Level = "calibration") -> Bools:
    """Whether each window raises an alarm by any statistic."""
    coefficients = np.array([monitor.coefficients[level] for monitor in drift.monitors])
    return np.asarray((found > coefficients * room).any(axis=1))


def doubled(half: Halves, binned: Counts, segment: int, size: int, windows: int, rng: np.random.Generator) -> Counts:
    """Customers of windows in which a segment has twice its share; shape (windows, size)."""
    inside = binned[:, place(half.drift, "segments")] == segment
    drawn = np.empty((windows, size), dtype=np.int64)
    for window, many in enumerate(rng.binomial(size, 2 * inside.mean(), windows).tolist()):
        chosen = [rng.choice(np.flatnonzero(inside), many), rng.choice(np.flatnonzero(~inside), size - many)]
        drawn[window] = np.concatenate(chosen)
    return drawn


def judged(drift: Drift, windows: Iterable[Counts]) -> tuple[Floats, Floats]:
    """`statistics` of windows whose customers were chosen already, given by their bins."""
    found, room = [], []
    for binned in windows:
        # All of them are the window.
        part = statistics(drift, binned, [len(binned)], np.random.default_rng(0))
        found.append(part[0])
        room.append(part[1])
    return np.concatenate(found), np.concatenate(room)


def place(drift: Drift, name: str) -> int:
    """Of a statistic among the others."""
    return [monitor.name for monitor in drift.monitors].index(name)


def report(half: Halves, windows: int) -> None:
    drift, rng = half.drift, np.random.default_rng(1)
    binned = half.binned(half.fresh)
    print("no drift: share of windows with any alarm")
    print("     n   calibrated 5 %   0.1 %  " + "".join(f"  PSI > {cut}" for cut in CUT_OFFS))
    for size in SIZES:
        found, room = statistics(drift, binned, [size] * windows, rng)
        rates = [alarms(drift, found, room).mean(), alarms(drift, found, room, "alert").mean()]
        fixed = [(np.nan_to_num(found) > cut).any(axis=1).mean() for cut in CUT_OFFS]
        print(f"{size:6,}   {rates[0]:14.1%}   {rates[1]:5.1%}  " + "".join(f"  {rate:9.1%}" for rate in fixed))
    many = np.resize(SIZES, 40 * windows).tolist()
    found, room = statistics(drift, binned, many, rng, against_others=True)
    five, thousandth = (alarms(drift, found, room, level).mean() for level in LEVELS)
    print(f"{len(many):,} windows of these sizes, against the other fresh customers: {five:.2%}, {thousandth:.3%}")
    print("windows of 1,000 customers that raise an alarm (5 %, 0.1 %)")
    for name in half.names:
        changed = half.binned(half.scaled(half.fresh, 1.3, name))
        print(f"  {name} x 1.3: {_both(drift, *statistics(drift, changed, [1000] * (windows // 5), rng))}")
    for segment, share in enumerate(np.bincount(binned[:, place(drift, "segments")]) / len(binned)):
        if share <= 0.5:
            drawn = doubled(half, binned, segment, 1000, windows // 5, rng)
            told = _both(drift, *judged(drift, (binned[chosen] for chosen in drawn)))
            print(f"  segment {segment} doubled, from {share:.1%}: {told}")
    print(f"{windows // 5} windows of 5,000 customers that raise an alarm (5 %, 0.1 %)")
    for what, each in outliers(half, windows // 5, rng).items():
        print(f"  {what}: {_both(drift, *judged(drift, each))}")


def outliers(half: Halves, windows: int, rng: np.random.Generator) -> dict[str, list[Counts]]:
    """The same windows of 5,000: as they are, with one customer's 1e6, and that on top of a real shift."""
    made: dict[str, list[Counts]] = {"as they are": [], "one monetary of 1e6": [], "that, and all of them x 1.3": []}
    for _ in range(windows):
        rows = half.fresh[rng.choice(len(half.fresh), 5000, replace=False)]
        wild, shifted = rows.copy(), half.scaled(rows, 1.3, "monetary")
        wild[0, half.names.index("monetary")] = shifted[0, half.names.index("monetary")] = 1e6
        for listed, each in zip(made.values(), (rows, wild, shifted), strict=True):
            listed.append(half.binned(each))
    return made


def _both(drift: Drift, found: Floats, room: Floats) -> str:
    return f"{alarms(drift, found, room).mean():.1%}, {alarms(drift, found, room, 'alert').mean():.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--windows", type=int, default=1_000)
    asked = parser.parse_args()
    chosen = configuration.load("sample", assignments=[*QUICK, f"sample.customers={asked.customers}"])
    report(halves("sample", None, chosen), asked.windows)
    folder = olist()
    if folder is None:
        print("Olist: skipped, SEGMENTATION_TEST_DATA is not set")
        return
    report(halves("olist", str(folder), configuration.load("olist", Path("olist"), QUICK)), asked.windows)


if __name__ == "__main__":
    main()
