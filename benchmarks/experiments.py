"""How often experiments on Olist's segments are right: a thousand of each kind, arms drawn by keyed hash each time.

`SEGMENTATION_TEST_DATA=FOLDER python -m benchmarks.experiments [--times 1000]`, FOLDER holding `olist/`. A model of all
orders up to a day assigns everybody; who orders in the next weeks is drawn by segment, rare as in the shop, and spends
an amount that goes with what he spent before. Three kinds: nothing differs (A/A); a planted lift; a lift in one segment
only. Then the power of 3.0 against 3.3 %, and the time that three million customers take.
"""

import argparse
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from benchmarks.measure import olist, peak_megabytes
from campaigns.assignments import open_assignments
from campaigns.experiment.analysis import analyse
from campaigns.experiment.base import Stratum, take_in
from campaigns.experiment.cells import Cell, aggregate
from campaigns.experiment.description import Experiment, Metric, Rules, Window
from campaigns.experiment.design import design, power
from campaigns.experiment.effects import by_segment, pooled
from campaigns.experiment.membership import counts, randomise, write
from campaigns.experiment.outcomes import Outcomes
from campaigns.experiment.plan import SCHEMA_VERSION, Base, Plan, PlannedSegment
from campaigns.experiment.sample_ratio import check_ratio
from segmentation.model import assemble
from segmentation.pseudonyms import Pseudonyms, load
from segmentation.settings import Settings
from training import configuration, job, sources
from training.assign import assign
from training.database import open_database

QUICK = ("report=null", "comparison.algorithms=[]", "refits.times=2", "refits.rows=1000")
WINDOW = Window(starts=date(2018, 9, 10), ends=date(2018, 10, 7))
LIFT = 0.2
Floats = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--large", type=int, default=3_000_000, help="customers of the last measurement")
    arguments = parser.parse_args()
    fleiss()
    with TemporaryDirectory() as folder:
        key = Path(folder, "key")
        key.write_text("0123456789abcdef" * 4, encoding="ascii")
        keyed, file = load(str(key)), Path(folder, "segments.parquet")
        of_olist(file)
        with open_assignments(file, Settings()) as base:
            take_in(base, described("base", "proportion", covariate=True), None, None)
            base.connection.execute("CREATE TABLE everybody AS FROM member ORDER BY customer_id")
            repeated(base.connection, keyed, arguments.times)
            salts(base.connection, keyed)
        with duckdb.connect() as connection:
            strong(connection, arguments.times)
        at_scale(keyed, arguments.large, Path(folder))


def fleiss() -> None:
    """The textbook's number of customers."""
    asked = Experiment(name="textbook", arms={"a": 0.5, "b": 0.5}, window=WINDOW,
                       metric=Metric(kind="proportion", column="y", baseline=0.03, smallest_lift=0.1))  # fmt: skip
    base = (Stratum(segment_id=0, segment_name="all", customers=200_000, mean=0.03, standard_deviation=0.17),)
    needed = design(asked, base).pooled.needed or 0
    print(f"3.0 -> 3.3 % at 80 % power: {needed / 2:,.0f} per arm (Fleiss: 53,210); ", end="")
    half = Stratum(segment_id=0, segment_name="all", customers=2 * 53_210, mean=0.03, standard_deviation=0.17)
    rng = np.random.default_rng(1)
    gc.freeze()
    found = sum(
        effect.significant
        for _ in range(4000)
        for effect in pooled(*two_cells(asked, rng.binomial(53_210, 0.03), rng.binomial(53_210, 0.033), 53_210))
    )
    gc.unfreeze()
    print(f"power there {power(asked, (half,), 0.1, 0.05):.4f}, found in {found / 40:.1f} % of 4,000 simulated")


def two_cells(asked: Experiment, control: int, treated: int, customers: int) -> tuple[Plan, list[Cell]]:
    plan = Plan(
        schema_version=SCHEMA_VERSION, experiment=asked, assigned_at="", base=Base(model_version="", as_of=""),
        segments=(PlannedSegment(id=0, name="all", members={"a": customers, "b": customers}, alone=True),),
        smallest_lift=None, membership="",
    )  # fmt: skip
    cells = []
    for arm, count in (("a", control), ("b", treated)):
        share = count / customers
        variance = share * (1 - share) * customers / (customers - 1)
        cells.append(Cell(segment_id=0, arm=arm, customers=customers, mean=share, variance=variance, raw_mean=share))
    return plan, cells


def of_olist(out: Path) -> None:
    """Assign all of Olist's customers by a model of their orders."""
    folder = olist()
    if folder is None:
        raise SystemExit("SEGMENTATION_TEST_DATA is not set")
    chosen = configuration.load("olist", assignments=QUICK)
    result = job.make("olist", str(folder), chosen, Settings(), created=datetime(2026, 1, 1, tzinfo=UTC))
    with open_database(Settings()) as database:
        loaded = sources.load(database, "olist", str(folder), chosen, None)
        assigned = assign(
            database, loaded, assemble(result.made.card_content, result.made.files), out, with_features=True
        )
    total = sum(assigned.customers.values())
    print(f"Olist: {total:,} customers in {len(assigned.customers)} segments: "
          f"{', '.join(f'{count / total:.1%}' for count in assigned.customers.values())}")  # fmt: skip


def described(name: str, kind: str, *, covariate: bool) -> Experiment:
    metric = Metric(kind="proportion" if kind == "proportion" else "mean", column="y", baseline=0.03,
                    standard_deviation=None if kind == "proportion" else 1.0, smallest_lift=LIFT)  # fmt: skip
    rules = Rules(covariate="monetary" if covariate else None)
    return Experiment(name=name, arms={"control": 0.5, "treated": 0.5}, metric=metric, window=WINDOW, analysis=rules)


@dataclass
class Tally:
    """Counts over simulated experiments."""

    false_alarms: int = 0
    family_errors: int = 0
    heterogeneous: int = 0
    mismatches: int = 0
    covered: int = 0
    segments_covered: int = 0
    segments: int = 0
    partial_errors: int = 0
    found: int = 0
    widths: float = 0.0


def repeated(connection: duckdb.DuckDBPyConnection, keyed: Pseudonyms, times: int) -> None:
    """The same draws of arms, judged for both kinds of metric, without and with a covariate."""
    tallies = {(kind, covariate): Tally() for kind in ("proportion", "mean") for covariate in (False, True)}
    gc.freeze()  # statsmodels collects garbage at every correction: it need not look at all that training left
    started = time.perf_counter()
    members = connection.execute("SELECT segment_id, covariate FROM everybody ORDER BY customer_id").fetchnumpy()
    segment, spent = members["segment_id"], members["covariate"]
    ids = np.unique(segment)
    chance = np.select([segment == one for one in ids], list(np.linspace(0.02, 0.08, len(ids))))
    for at in range(times):
        treated = drawn(connection, described(f"simulated {at}", "proportion", covariate=True), keyed)
        rng = np.random.default_rng(at)
        # The logarithm of the factor has the mean -0.18 and the variance 0.36: the factor is 1 on average.
        uniform, factor = rng.uniform(size=len(spent)), rng.lognormal(-0.18, 0.6, len(spent))
        for lifted, lifts in (("none", 0.0), ("all", LIFT), ("one", np.where(segment == ids[0], 2 * LIFT, 0.0))):
            ordered = uniform < chance * (1 + treated * lifts)
            for (kind, covariate), tally in tallies.items():
                amount = np.ones(len(spent)) if kind == "proportion" else np.sqrt(spent)
                planted = chance * lifts * amount
                truth = {int(one): float(np.mean(planted[segment == one])) for one in ids}
                connection.register("given", {"value": ordered * amount * (factor if kind == "mean" else 1.0)})
                connection.execute("CREATE OR REPLACE TABLE outcome AS FROM slim POSITIONAL JOIN given")
                connection.unregister("given")
                plan = planned(connection, described("judged", kind, covariate=covariate))
                judge(connection, plan, lifted, truth, float(np.mean(planted)), tally)
    gc.unfreeze()
    print(f"{times} experiments of each kind in {time.perf_counter() - started:.0f} s")
    for (kind, covariate), tally in tallies.items():
        tell(f"{kind}{', CUPED' if covariate else ''}", tally, times)


def strong(connection: duckdb.DuckDBPyConnection, times: int, customers: int = 20_000) -> None:
    """A covariate that goes well with the metric, which Olist's does not: a mean with everybody's value above 0."""
    tallies = {False: Tally(), True: Tally()}
    segment = np.arange(customers) % 4
    gc.freeze()
    for at in range(times):
        rng = np.random.default_rng(at)
        place = rng.uniform(size=(customers // 4, 4))
        treated = (place < np.median(place, axis=0)).ravel()  # within segments, like the arms of `randomise`
        before = rng.lognormal(3, 0.5, customers) * (1 + segment)
        after = before * rng.lognormal(-0.045, 0.3, customers)
        planted = 0.5
        for lifted, lift in (("none", 0.0), ("all", planted), ("one", np.where(segment == 0, planted, 0.0))):
            rows = {"segment_id": segment, "arm": np.where(treated, "treated", "control"), "covariate": before}
            connection.register("given", rows | {"value": after + treated * lift})
            connection.execute("CREATE OR REPLACE TABLE outcome AS FROM given")
            connection.execute("CREATE OR REPLACE TABLE member AS FROM given")
            connection.unregister("given")
            truth = {one: float(np.mean(np.broadcast_to(lift, customers)[segment == one])) for one in range(4)}
            for covariate, tally in tallies.items():
                plan = planned(connection, described("judged", "mean", covariate=covariate))
                judge(connection, plan, lifted, truth, float(np.mean(lift)), tally)
    gc.unfreeze()
    for covariate, tally in tallies.items():
        tell(f"mean with a strong covariate{', CUPED' if covariate else ', which is not used'}", tally, times)


def drawn(connection: duckdb.DuckDBPyConnection, asked: Experiment, keyed: Pseudonyms) -> npt.NDArray[np.bool_]:
    """Draw arms anew; who is treated, in the order of ids."""
    connection.execute("CREATE OR REPLACE TABLE member AS FROM everybody")
    randomise(connection, asked, keyed)
    arm = connection.execute("SELECT arm FROM member ORDER BY customer_id").fetchnumpy()["arm"]
    connection.execute("CREATE OR REPLACE TABLE slim AS SELECT * EXCLUDE customer_id FROM member ORDER BY customer_id")
    return np.asarray(arm == "treated")


def planned(connection: duckdb.DuckDBPyConnection, asked: Experiment) -> Plan:
    segments = tuple(
        PlannedSegment(id=one, name=str(one), members=members, alone=True)
        for one, members in counts(connection).items()
    )
    return Plan(
        schema_version=SCHEMA_VERSION, experiment=asked, assigned_at="", base=Base(model_version="", as_of=""),
        segments=segments, smallest_lift=None, membership="",
    )  # fmt: skip


def judge(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    lifted: str,
    truth: dict[int, float],
    overall: float,
    tally: Tally,
) -> None:
    cells, _ = aggregate(connection, covariate=plan.experiment.analysis.covariate is not None)
    whole, parts = pooled(plan, cells)[0], by_segment(plan, cells)
    if lifted == "none":
        tally.false_alarms += whole.significant
        tally.family_errors += any(effect.significant for effect in parts)
        nothing = Outcomes(rows=1, strangers=0, outside=0, absent=0, latest=None)
        found = analyse(plan, nothing, cells, (), datetime(2026, 1, 1, tzinfo=UTC))
        tally.heterogeneous += (found.heterogeneity[0].p or 1.0) < 0.05
        tally.mismatches += not check_ratio(plan, cells).matches
    elif lifted == "all":
        tally.covered += whole.low <= overall <= whole.high
        tally.found += whole.significant
        tally.widths += whole.high - whole.low
        tally.segments += len(parts)
        tally.segments_covered += sum(effect.low <= truth[effect.segment_id or 0] <= effect.high for effect in parts)
    else:
        tally.partial_errors += any(effect.significant and truth[effect.segment_id or 0] == 0 for effect in parts)


def tell(name: str, tally: Tally, times: int) -> None:
    def share(count: int, of: int = times) -> str:
        low, high = binomtest(count, of).proportion_ci()
        return f"{count / of:.1%} ({low:.1%} to {high:.1%})"

    print(f"{name}:")
    print(f"  A/A significant: {share(tally.false_alarms)}; family-wise error over segments: "
          f"{share(tally.family_errors)}; interaction: {share(tally.heterogeneous)}; "
          f"mismatch: {tally.mismatches}")  # fmt: skip
    print(f"  planted lift covered: {share(tally.covered)}; by segment: "
          f"{share(tally.segments_covered, tally.segments)}; found: {share(tally.found)}; "
          f"mean width {tally.widths / times:.5f}")  # fmt: skip
    print(f"  lift in one segment: error in another: {share(tally.partial_errors)}", flush=True)


def salts(connection: duckdb.DuckDBPyConnection, keyed: Pseudonyms) -> None:
    """Whether arms of experiments know anything of one another, and how far shares are off."""
    from scipy.stats import chi2_contingency, kstest

    before, ps, off = None, [], 0.0
    for at in range(201):
        asked = described(f"salt {at}", "proportion", covariate=False)
        arm = drawn(connection, asked, keyed)
        off = max(off, abs(arm.mean() - 0.5))
        if before is not None:
            table = [[np.sum(arm & before), np.sum(arm & ~before)], [np.sum(~arm & before), np.sum(~arm & ~before)]]
            ps.append(chi2_contingency(table, correction=False).pvalue)
        before = arm
    print(f"200 pairs of salts: {sum(p < 0.05 for p in ps)} of 200 chi-square tests below 0.05, "
          f"uniform p = {kstest(ps, 'uniform').pvalue:.2f}; largest error of a share {off:.3%}")  # fmt: skip


@contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"  {what}: {time.perf_counter() - started:.1f} s, peak {peak_megabytes():.0f} MB", flush=True)


def at_scale(keyed: Pseudonyms, customers: int, folder: Path) -> None:
    """Draw, freeze and aggregate for millions."""
    print(f"{customers:,} customers:")
    with duckdb.connect(str(folder / "large.duckdb"), config={"memory_limit": "1GB"}) as connection:
        connection.execute(
            "CREATE TABLE member AS SELECT 'customer-' || range AS customer_id, "
            "CAST(range % 7 AS INTEGER) AS segment_id, hash(range) % 1000 / 10.0 AS covariate FROM range(?)",
            [customers],
        )
        asked = described("large", "mean", covariate=True)
        with timed("drawn"):
            randomise(connection, asked, keyed)
        with timed("frozen"):
            write(connection, folder / "membership.parquet")
        connection.execute(
            "CREATE TABLE outcome AS SELECT *, covariate / 2 + hash(customer_id) % 100 AS value FROM member"
        )
        with timed("aggregated"):
            cells, _ = aggregate(connection, covariate=True)
        with timed("analysed"):
            plan = planned(connection, asked)
            pooled(plan, cells), by_segment(plan, cells)


if __name__ == "__main__":
    main()
