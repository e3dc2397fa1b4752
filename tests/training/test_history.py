"""How much history a customer needs: the stability curve over click events, and what is chosen by it."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend
from sklearn.metrics import cohen_kappa_score

from segmentation.evidence import HistoryPoint
from segmentation.golden import canonical_rows
from segmentation.histories import History, HistoryQuery
from segmentation.pipeline import fit
from segmentation.settings import Settings
from segmentation.tables import EVENTS
from tests.conftest import MADE
from tests.quick import QUICK
from training import configuration, history, job, sources
from training.configuration import Configuration
from training.database import open_database
from training.fitting import entries
from training.history import Choice, choose
from training.redundancy import without_redundant
from training.snapshot import Snapshot

USERS = 600


def clicks(users: int = USERS, seed: int = 11) -> pd.DataFrame:
    """An event log as REES46 writes them, of 1 to 40 events a user: those who look by night, and those who buy."""
    rng = np.random.default_rng(seed)
    number = rng.integers(1, 41, users)
    user = np.repeat(np.arange(users), number)
    buys = (np.arange(users) % 2 == 0)[user]
    hour = np.where(buys, rng.integers(8, 18, len(user)), rng.integers(0, 6, len(user)))
    seconds = (rng.integers(0, 60, len(user)) * 24 + hour) * 3600 + rng.integers(0, 3600, len(user))
    kinds = np.array(["view", "cart", "remove_from_cart", "purchase"])
    kind = np.where(
        buys,
        rng.choice(kinds, len(user), p=[0.35, 0.3, 0.05, 0.3]),
        rng.choice(kinds, len(user), p=[0.93, 0.05, 0.01, 0.01]),
    )
    product = rng.integers(0, 200, len(user))
    price = np.where(buys, rng.lognormal(4, 0.4, len(user)), rng.lognormal(2.5, 0.4, len(user))).round(2)
    moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(seconds, unit="s")
    frame = pd.DataFrame(
        {
            "event_time": moments.strftime("%Y-%m-%d %H:%M:%S UTC"),
            "event_type": kind,
            "product_id": 1000 + product,
            "category_id": 1,
            "category_code": np.where(rng.random(len(user)) < 0.7, np.char.add("shop.", (product % 7).astype(str)), ""),
            "brand": np.where(rng.random(len(user)) < 0.8, np.char.add("brand", (product % 9).astype(str)), ""),
            "price": np.char.mod("%.2f", price),
            "user_id": 500_000 + user,
            "user_session": np.char.add(np.char.add("s", user.astype(str)), np.char.add("-", moments.strftime("%j"))),
        }
    )
    return frame.sort_values("event_time", kind="stable", ignore_index=True).drop_duplicates(ignore_index=True)


def written(folder: Path, frame: pd.DataFrame) -> str:
    file = folder / "2020-Jan.csv"
    frame.to_csv(file, index=False)
    return str(file)


def events_of(log: pd.DataFrame) -> pd.DataFrame:
    """The log as canonical events, each customer's in the order of their moments."""
    rows = log.rename(columns={"user_id": "customer_id", "user_session": "session_id", "category_code": "category"})
    rows = rows.astype({"customer_id": str, "product_id": str, "price": float})
    rows["occurred_at"] = pd.to_datetime(rows["event_time"].str.removesuffix(" UTC")).dt.tz_localize("UTC")
    return rows[list(EVENTS.names)].sort_values(
        ["customer_id", "occurred_at", "event_type", "product_id"], kind="stable", ignore_index=True
    )


def as_json(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Events as a client sends them: what is not known is left out."""
    moments = rows["occurred_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    records = rows.drop(columns="customer_id").assign(occurred_at=moments).to_dict("records")
    return [{str(name): value for name, value in record.items() if value != ""} for record in records]


def settled(text: str = "") -> Configuration:
    """Two segments by features that tell the two behaviours apart."""
    names = (
        "days_since_last_event", "total_events", "total_spent", "view_to_cart", "session_conversion", "active_days",
        "night_share",
    )  # fmt: skip
    return configuration.load(
        "rees46", assignments=[f"features=[{', '.join(names)}]", "clustering.k=2", *QUICK, *text.split()]
    )


def look(database: Backend, data: str, wanted: Configuration) -> tuple[sources.Loaded, Snapshot, Choice]:
    loaded = sources.load(database, "rees46", data, wanted)
    snapshot = job.look(database, loaded, wanted)
    return loaded, snapshot, choose(database, loaded, snapshot, wanted)


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return clicks()


@pytest.fixture(scope="module")
def counts(log: pd.DataFrame) -> pd.Series:
    return log.groupby("user_id").size()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, log: pd.DataFrame) -> tuple[Snapshot, Choice]:
    with open_database(Settings()) as database:
        _, snapshot, choice = look(database, written(tmp_path_factory.mktemp("log"), log), settled())
    return snapshot, choice


def test_the_curve_is_over_customers_with_more_events_than_that(
    found: tuple[Snapshot, Choice], counts: pd.Series
) -> None:
    curve = found[1].curve
    assert [point.events for point in curve] == [1, 2, 3, 4, 5, 7, 10, 15, 20, 30]
    assert [point.customers for point in curve] == [(counts > point.events).sum() for point in curve]
    assert all(longer.customers < shorter.customers for shorter, longer in pairwise(curve))
    assert curve[-1].customers >= 100


def test_agreement_grows_from_chance_towards_all(found: tuple[Snapshot, Choice]) -> None:
    curve = found[1].curve
    assert all(-1 <= point.kappa <= 1 and 0 <= point.agreement <= 1 for point in curve)
    assert all(point.kappa <= point.agreement for point in curve)
    assert all(0 <= point.kappa_standard_error < 0.1 for point in curve)
    assert curve[-1].kappa > 0.9 > curve[0].kappa


@pytest.mark.parametrize("events", [1, 7])
def test_a_point_is_what_the_service_would_have_said_after_so_many_events(
    found: tuple[Snapshot, Choice], log: pd.DataFrame, events: int
) -> None:
    snapshot, choice = found
    wanted = settled()
    more = snapshot.customers["total_events"].to_numpy() > 1
    snapshot = without_redundant(snapshot, wanted.redundant, ("total_events", "total_spent"), wanted.seed, more)
    several = snapshot.customers[more]
    k = wanted.clustering.k
    assert k != "auto"
    pipeline = fit(several, entries(snapshot.features), wanted.preprocessing, k, wanted.clustering, wanted.seed)
    cut = events_of(log).groupby("customer_id", sort=False).head(events).groupby("customer_id", sort=False)
    last = events_of(log).groupby("customer_id")["occurred_at"].max()
    long_enough = several.index[several["total_events"] > events]
    first = {name: rows for name, rows in cut if name in long_enough}
    moments = {name: rows["occurred_at"].max() + (snapshot.as_of - last[name]) for name, rows in first.items()}
    histories = [
        History(number, moments[name].to_pydatetime(), canonical_rows(EVENTS, as_json(first[name])))
        for number, name in enumerate(long_enough)
    ]
    names = list(several.columns)
    _, features = HistoryQuery(EVENTS, snapshot.sql, names).run(histories)
    early = pipeline.predict(pd.DataFrame(features, columns=names))
    final = pipeline.predict(several.loc[long_enough])
    point = next(each for each in choice.curve if each.events == events)
    assert point.customers == len(early)
    assert point.agreement == (early == final).mean()
    assert point.kappa == pytest.approx(cohen_kappa_score(early, final), abs=1e-12)


def test_kappa_and_its_standard_error_are_cohen_s() -> None:
    # Two raters: 20 times both say 0, 5 times 0 and 1, 10 times 1 and 0, 15 times both say 1.
    early = np.repeat([0, 0, 1, 1], [20, 5, 10, 15])
    final = np.repeat([0, 1, 0, 1], [20, 5, 10, 15])
    point = history._point(3, early, final)
    assert (point.events, point.customers, point.agreement) == (3, 50, 0.7)
    # By chance they would agree half of the time: 0.5 * 0.6 + 0.5 * 0.4.
    assert point.kappa == pytest.approx((0.7 - 0.5) / (1 - 0.5), rel=1e-12)
    assert point.kappa == pytest.approx(cohen_kappa_score(early, final), rel=1e-12)
    assert point.kappa_standard_error == pytest.approx(np.sqrt(0.7 * 0.3 / 50) / (1 - 0.5), rel=1e-12)


@pytest.mark.parametrize(
    ("early", "final", "kappa"),
    [([0, 0, 0], [0, 0, 0], 1.0), ([0, 0, 0], [1, 1, 1], 0.0), ([0, 1, 2, 0], [0, 1, 2, 0], 1.0),
     ([0, 1, 0, 1], [1, 0, 1, 0], -1.0)],
)  # fmt: skip
def test_kappa_is_a_number_whatever_the_segments(early: list[int], final: list[int], kappa: float) -> None:
    point = history._point(1, np.array(early), np.array(final))
    assert point.kappa == pytest.approx(kappa, abs=1e-12)
    assert point.kappa_standard_error == 0


def test_kappa_s_standard_error_is_its_spread_over_samples() -> None:
    rng = np.random.default_rng(3)
    final = rng.integers(0, 3, (400, 300))
    early = np.where(rng.random(final.shape) < 0.7, final, rng.integers(0, 3, final.shape))
    points = [history._point(1, one, other) for one, other in zip(early, final, strict=True)]
    spread = np.std([point.kappa for point in points])
    assert np.mean([point.kappa_standard_error for point in points]) == pytest.approx(spread, rel=0.1)


def _curve(*kappas: float) -> tuple[HistoryPoint, ...]:
    return tuple(
        HistoryPoint(events=events, customers=500, agreement=0.8, kappa=kappa, kappa_standard_error=0.02)
        for events, kappa in zip(history.LENGTHS, kappas, strict=False)
    )


@pytest.mark.parametrize(
    ("kappas", "minimum"),
    [
        ((0.7, 0.8, 0.9), 1),
        ((0.2, 0.5, 0.6, 0.8), 3),
        # A dip later on: what came before it was not yet stable, unless the dip may be chance (0.02 is its error).
        ((0.7, 0.65, 0.55, 0.7, 0.8), 4),
        ((0.7, 0.65, 0.59, 0.7, 0.8), 1),
        ((0.7, 0.8, 0.57), 1),
        ((0.1, 0.2, 0.3, 0.61), 4),
        # Never: the best there is.
        ((0.1, 0.5, 0.3, 0.4), 2),
        ((0.7, 0.8, 0.3), 2),
    ],
)
def test_the_shortest_history_is_taken_from_which_on_all_agree(kappas: tuple[float, ...], minimum: int) -> None:
    choice = history._shortest(_curve(*kappas), 0.6)
    assert choice.minimum == minimum
    assert ("no length reaches 0.6" in choice.why) == (kappas[-1] < 0.56)


@pytest.mark.parametrize("agreement", [0.6, 0.9, 1.0])
def test_the_choice_follows_from_the_curve_and_what_is_asked(
    tmp_path: Path, database: Backend, log: pd.DataFrame, found: tuple[Snapshot, Choice], agreement: float
) -> None:
    _, _, choice = look(database, written(tmp_path, log), settled(f"stability.agreement={agreement}"))
    assert choice.curve == found[1].curve
    minimum = None
    for point in reversed(choice.curve):
        if point.kappa + 2 * point.kappa_standard_error < agreement:
            break
        minimum = point.events if point.kappa >= agreement else minimum
    best = max(choice.curve, key=lambda point: point.kappa)
    assert choice.minimum == (best.events if minimum is None else minimum)
    assert ("no length reaches" in choice.why) == (minimum is None)
    assert f"after {choice.minimum} events" in choice.why


def test_the_order_of_rows_in_the_file_changes_nothing(
    tmp_path: Path, database: Backend, log: pd.DataFrame, found: tuple[Snapshot, Choice]
) -> None:
    _, snapshot, choice = look(database, written(tmp_path, log.sample(frac=1, random_state=5)), settled())
    assert choice == found[1]
    assert snapshot.customers.equals(found[0].customers)


def test_events_at_the_same_moment_are_told_apart_by_what_they_are_not_by_their_place(
    tmp_path: Path, log: pd.DataFrame
) -> None:
    coarse = log.assign(event_time=log["event_time"].str[:10] + " 12:00:00 UTC").drop_duplicates()
    choices = []
    for seed in (1, 2):
        with open_database(Settings()) as database:
            shuffled = coarse.sample(frac=1, random_state=seed)
            choices.append(look(database, written(tmp_path, shuffled), settled("features=[]"))[2])
    assert choices[0] == choices[1]
    assert len(choices[0].curve) > 5


def test_the_model_s_card_keeps_the_curve_and_says_why(
    tmp_path: Path, log: pd.DataFrame, found: tuple[Snapshot, Choice]
) -> None:
    _, choice = found
    assert choice.minimum > 1
    card = job.make("rees46", written(tmp_path, log), settled(), Settings(), created=MADE).made.card
    assert card.history == choice.curve
    (short,) = card.rule_segments
    assert (short.id, short.name, short.why) == (1000, "not_enough_history", choice.why)
    assert short.when[0].below == choice.minimum
    assert short.customers == (log.groupby("user_id").size() < choice.minimum).sum()


def test_a_minimum_that_is_given_is_taken_without_a_curve(tmp_path: Path, database: Backend, log: pd.DataFrame) -> None:
    _, _, choice = look(database, written(tmp_path, log), settled("minimum_history=7"))
    assert choice == Choice(7)
    assert (choice.curve, choice.why) == ((), "given in the configuration")


def test_of_few_customers_no_curve_is_made_and_everybody_is_clustered(
    tmp_path: Path, log: pd.DataFrame, counts: pd.Series
) -> None:
    few = [*counts[counts > 1].index[:99], *counts[counts == 1].index]
    card = job.make(
        "rees46", written(tmp_path, log[log["user_id"].isin(few)]), settled(), Settings(), created=MADE
    ).made.card
    assert (card.rule_segments, card.history) == ((), ())
    assert sum(segment.customers for segment in card.segments) == len(few)


@pytest.mark.parametrize(("several", "points"), [(99, 0), (100, 1)])
def test_a_curve_needs_a_hundred_customers_with_more_than_one_event(
    tmp_path: Path, database: Backend, log: pd.DataFrame, several: int, points: int
) -> None:
    first_two = log.groupby("user_id").head(2)
    twice = first_two.groupby("user_id").size()
    few = [*twice[twice == 2].index[:several], *twice[twice == 1].index]
    _, _, choice = look(database, written(tmp_path, first_two[first_two["user_id"].isin(few)]), settled())
    assert (choice.minimum, len(choice.curve)) == (1, points)
    if not points:
        assert "fewer than 100 customers have more than one event" in choice.why


def test_a_later_as_of_changes_no_choice(
    tmp_path: Path, database: Backend, log: pd.DataFrame, found: tuple[Snapshot, Choice]
) -> None:
    wanted = settled()
    loaded = sources.load(database, "rees46", written(tmp_path, log), wanted)
    later = job.look(database, loaded, wanted, found[0].as_of + timedelta(days=30))
    assert choose(database, loaded, later, wanted) == found[1]


def test_events_after_as_of_are_not_among_the_first(
    tmp_path: Path, database: Backend, log: pd.DataFrame, found: tuple[Snapshot, Choice]
) -> None:
    wanted = settled()
    future = log.assign(event_time="2021-06-01 00:00:00 UTC", product_id=log["product_id"] + 7)
    loaded = sources.load(database, "rees46", written(tmp_path, pd.concat([future, log])), wanted)
    snapshot = job.look(database, loaded, wanted, found[0].as_of)
    assert choose(database, loaded, snapshot, wanted) == found[1]


def test_the_curve_of_a_sample_is_near_that_of_all(
    tmp_path: Path, database: Backend, log: pd.DataFrame, found: tuple[Snapshot, Choice]
) -> None:
    loaded, snapshot, _ = look(database, written(tmp_path, log), settled("minimum_history=1"))
    wanted = settled()
    sampled = replace(wanted, stability=replace(wanted.stability, rows=300))
    choice = choose(database, loaded, snapshot, sampled)
    assert choice.curve[0].customers == 300
    whole = {point.events: point for point in found[1].curve}
    for point in choice.curve:
        assert abs(point.kappa - whole[point.events].kappa) < 4 * (point.kappa_standard_error + 0.02)
