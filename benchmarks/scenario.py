"""A promotion simulated over a whole base; and whether known effects are found again.

`python -m benchmarks.scenario [--customers 1000000] [--draws 500] [--seeds 100]`. Customers are those of a generated
shop, drawn again and again with their amounts and times blurred; the simulation runs in a process of its own.

Recovery: for each seed a new base, and a test of 2 x 5,000 customers under the true effect, of which the scenario gets
estimate and standard error. Then the promotion takes place: under the true effect customers respond, and are scored
afterwards by the model itself. Counted is how often the 90 % intervals hold what then happened.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from benchmarks.measure import command, peak_megabytes
from campaigns.scenario import reading, run
from campaigns.scenario.binding import bind
from campaigns.scenario.bound import Bound
from campaigns.scenario.moves import ORDER_MOVES
from campaigns.scenario.results import Estimate, Result
from segmentation.assignment import assign
from segmentation.clock import now
from segmentation.model import Model
from segmentation.opening import open_signed, proved
from segmentation.registry import open_registry
from segmentation.scoring import Floats
from segmentation.settings import Settings
from training import configuration, job, sources
from training.assign import assign as assign_all
from training.database import open_database

SHOP = ("sample.customers=20000", "report=null", "comparison.algorithms=[]", "refits.times=2", "refits.rows=1000")
TRUE_UPLIFT, TRUE_BASELINE, TESTED, BASE = 0.06, 0.03, 5_000, 20_000
PEOPLE = ("title: Known effect\nuplift: {{estimate: {estimate}, standard_error: {error}}}\n"
          "baseline: {{responded: {anyway}, of: {of}}}\norder: {{basket: {{times_average: 2}}}}\n"
          "changes: [{{feature: distinct_categories, add: 2}}]\nmargin: 0.3\n")  # fmt: skip
EVERYBODY = ("title: All of them\nuplift: {uplift}\norder: {{basket: {{times_average: {{low: 0.5, high: 1.5}}}}}}\n"
             "discount: {{share: 0.1}}\nmargin: {{low: 0.2, high: 0.4}}\n")  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """A model and the features of its customers."""

    model: Model
    features: Floats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--one", nargs=4, metavar=("SCENARIO", "ASSIGNMENTS", "REGISTRY", "DRAWS"))
    asked = parser.parse_args()
    if asked.one:
        simulate(*asked.one)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with trained(folder) as shop:
            write(shop, blurred(shop, asked.customers, seed=0), folder / "segments.parquet")
            print(f"simulate, {asked.customers:,} customers, {asked.draws} draws (whole command but pictures)")
            for uplift in (0.02, 0.2, 1.0):
                file = folder / "scenario.yaml"
                file.write_text(EVERYBODY.format(uplift=uplift), encoding="utf-8")
                command(["-m", "benchmarks.scenario", "--one", str(file), str(folder / "segments.parquet"),
                         str(folder / "registry"), str(asked.draws)], show=True)  # fmt: skip
            if asked.seeds:
                recovery(shop, folder, asked.seeds)


def simulate(given: str, assignments: str, registry: str, draws: str) -> None:
    started = time.perf_counter()
    settings = Settings(memory_limit="700MB")
    source = reading.load(given)
    made = run.run(source, Path(assignments), open_signed(registry, settings), settings, draws=int(draws), seed=0)
    seconds = time.perf_counter() - started
    print(f"  uplift {source.scenario.uplift:<5} {made.money.orders.mean:10,.0f} orders won {seconds:7.1f} s "
          f"{peak_megabytes():7.0f} MB peak", flush=True)  # fmt: skip


@contextmanager
def trained(folder: Path) -> Iterator[Shop]:
    """A registry in the folder, its live model, and the features of the customers it was made of."""
    chosen = configuration.load("sample", assignments=SHOP)
    result = job.make("sample", None, chosen, Settings(), created=now())
    registry = open_registry(str(folder / "registry"))
    job.release(result, registry, "production")
    model = proved(registry, registry.live("production").version)
    with open_database(Settings()) as database:
        loaded = sources.load(database, "sample", None, chosen, None)
        assign_all(database, loaded, model, folder / "seen.parquet", with_features=True)
    table = parquet.read_table(folder / "seen.parquet")
    yield Shop(model, np.column_stack([table[name].to_numpy() for name in model.card.feature_names]))


def blurred(shop: Shop, customers: int, seed: int) -> Floats:
    """Customers drawn again, with amounts and times a little off."""
    rng = np.random.default_rng(seed)
    rows = shop.features[rng.integers(len(shop.features), size=customers)]
    for column, name in enumerate(shop.model.card.feature_names):
        if name in {"monetary", "average_basket", "recency_days", "mean_days_between_orders"}:
            rows[:, column] *= rng.lognormal(0, 0.1, customers)
    return rows


def write(shop: Shop, rows: Floats, out: Path) -> None:
    """The table that `assign` would write of such customers."""
    segments = shop.model.card.all_segments
    found = assign(shop.model.card, shop.model.arrays, rows)
    moment = pa.scalar(1_767_139_200_000_000, pa.timestamp("us", tz="UTC"))
    columns = {
        "customer_id": [f"customer-{number:08}" for number in range(len(rows))],
        "segment_id": pa.array(np.array([segment.id for segment in segments])[found.segment], pa.int32()),
        "segment_name": np.array([segment.name for segment in segments])[found.segment],
        "confidence": pa.array(found.margin, mask=np.isnan(found.margin)),
        "model_version": pa.repeat(shop.model.version, len(rows)),
        "as_of": pa.repeat(moment, len(rows)),
    }
    columns |= {name: rows[:, column] for column, name in enumerate(shop.model.card.feature_names)}
    parquet.write_table(pa.table(columns), out)


def recovery(shop: Shop, folder: Path, seeds: int) -> None:
    """How often intervals hold what happens."""
    moved, expected, flows, held = 0, 0, 0, 0
    for seed in range(seeds):
        made, rows, bound = one(shop, folder, seed)
        truth = np.random.default_rng([seed, 2])
        landed = afterwards(shop, rows)
        before = assign(shop.model.card, shop.model.arrays, rows).segment
        responding = truth.random(len(rows)) < TRUE_UPLIFT
        moved += _inside((before != landed)[responding].sum(), made.moved)
        expected += _inside((before != landed).sum() * TRUE_UPLIFT, made.moved)
        ids = [segment.id for segment in bound.card.all_segments]
        for flow in made.flows:
            cell = (before == ids.index(flow.origin)) & (landed == ids.index(flow.destination)) & responding
            flows, held = flows + 1, held + _inside(cell.sum(), flow.customers)
    print(f"recovery, {seeds} seeds: 90 % intervals hold the customers who moved in {moved}, those expected to move "
          f"under the true effect in {expected}; of {flows:,} flows between segments, {held / flows:.1%}")  # fmt: skip


def one(shop: Shop, folder: Path, seed: int) -> tuple[Result, Floats, Bound]:
    """A base, a test and the simulation that follows from the two."""
    rng = np.random.default_rng([seed, 1])
    rows = blurred(shop, BASE, seed)
    write(shop, rows, folder / "one.parquet")
    treated = rng.binomial(TESTED, TRUE_BASELINE + TRUE_UPLIFT) / TESTED
    control = rng.binomial(TESTED, TRUE_BASELINE)
    share = control / TESTED
    error = sqrt(treated * (1 - treated) / TESTED + share * (1 - share) / TESTED)
    text = PEOPLE.format(estimate=treated - share, error=error, anyway=control, of=TESTED)
    source = reading.parse(text, "known.yaml")
    settings = Settings()
    registry = open_signed(str(folder / "registry"), settings)
    made = run.run(source, folder / "one.parquet", registry, settings, draws=500, seed=seed)
    return made, rows, bind(source, shop.model.card)


def afterwards(shop: Shop, rows: Floats) -> npt.NDArray[np.int64]:
    """Where everybody would be who responds, by the model's own scoring of whole rows."""
    names = shop.model.card.feature_names
    columns = {name: rows[:, place] for place, name in enumerate(names)}
    average = columns["average_basket"] if "average_basket" in columns else columns["monetary"] / columns["frequency"]
    after = rows.copy()
    for move in ORDER_MOVES:
        if move.feature in names:
            after[:, names.index(move.feature)] = move.after(columns, 2 * average, 0.0)
    after[:, names.index("distinct_categories")] += 2
    return assign(shop.model.card, shop.model.arrays, after).segment


def _inside(value: float, interval: Estimate) -> bool:
    return bool(interval.low <= value <= interval.high)


if __name__ == "__main__":
    main()
