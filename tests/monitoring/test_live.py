"""A real Prometheus scrapes two instances of two workers each, while customers are asked for month by month."""

import re
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from monitoring.boards import BOARDS
from tests.monitoring.replay import History, history
from tests.monitoring.stage import BASELINE, Stage, Values
from tests.servers import prometheus
from tests.servers.prometheus import until
from training.pushing import JobReport

pytestmark = pytest.mark.prometheus

SETTLED = 15.0
"""Seconds for some scrapes and evaluations; whether they did what they should is asserted afterwards."""


@dataclass(frozen=True)
class Evidence:
    """What was seen while the replay ran."""

    version: str
    ready_at_once: bool
    cumulative: Values
    cumulative_offline: Values
    baseline: float | None
    first_customers: int
    window: Values
    window_offline: Values
    thresholds: Values
    lost: int
    said_lost: int
    alerts: list[dict[str, str]]
    problems: list[str]
    empty: list[str]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    prometheus.require()
    shop = history("sample", None, "2025-08-01", 3, 400, "sample.customers=3000")
    return replay(shop, tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
def olist(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    prometheus.require()
    return replay(history("olist", str(real_data / "olist"), "2018-05-01", 3, 1_500), tmp_path_factory.mktemp("olist"))


def replay(told: History, folder: Path) -> Evidence:
    """Months go by; a worker is killed, an instance restarted, and customers change."""
    with ExitStack() as stack:
        stage = Stage(told, folder, stack)
        report = JobReport("run", "production")
        report.tell_card(told.made.card)
        report.outcome = "done"
        report.push(stage.prometheus.gateway, 1.0)
        for customers in told.months:
            stage.ask(customers)
            stage.wait_for_scrape()
        first, cumulative_offline = stage.counted.number, stage.offline()[0]
        soon(lambda: differences(stage.psis("all"), cumulative_offline) <= 1e-6)
        cumulative = stage.psis("all")
        baseline = stage.prometheus.value(
            'sum(segmentation:drift_expected_bin:customers{statistic="segments", against="baseline"})'
        )
        stage.kill_a_worker()
        stage.ask(others(told.months[0], "new-"))
        stage.wait_for_scrape()
        with stage.prometheus.paused():
            scraped = stage.sent[1]
            stage.ask(others(told.months[1].head(8), "late-"))
            lost = stage.sent[1] - scraped
            log = stage.restart_the_second()
        until(lambda: stage.scraped(1) == 0, "the second begins anew")
        stage.ask(others(told.months[2], "after-"))
        stage.wait_for_scrape()
        offline, limits = stage.offline()
        soon(lambda: all(abs(stage.psis("1d")[name] - offline[name]) < 0.1 * limits[name] for name in offline))
        window = stage.psis("1d")
        stage.ask(others(pd.concat(told.months), "rich-", spending=50))
        soon(lambda: "SegmentationDrift" in {alert["alertname"] for alert in stage.prometheus.alerts_received()})
        said = re.search(r"(\d+) customers were counted after the last scrape", log)
        return Evidence(
            version=told.made.card.version,
            ready_at_once=stage.ready_at_once,
            cumulative=cumulative,
            cumulative_offline=cumulative_offline,
            baseline=baseline,
            first_customers=first,
            window=window,
            window_offline=offline,
            thresholds=limits,
            lost=lost,
            said_lost=int(said[1]) if said else 0,
            alerts=stage.prometheus.alerts_received(),
            problems=stage.prometheus.problems(),
            empty=[
                f"{board.title}: {panel.title}: {query}"
                for board in BOARDS.values()
                for panel in board.panels
                for query, _ in panel.queries
                if not stage.prometheus.query(query)
            ],
        )


def others(customers: pd.DataFrame, prefix: str, spending: float = 1) -> pd.DataFrame:
    """Others who are like them, or spend so many times as much."""
    changed = customers.assign(monetary=customers["monetary"] * spending)
    return changed.set_index(prefix + changed.index.astype(str))


def soon(condition: Callable[[], bool]) -> None:
    with suppress(AssertionError, KeyError):
        until(condition, "it settles", SETTLED)


def differences(found: Values, expected: Values) -> float:
    return max(abs(found.get(name, float("inf")) - value) for name, value in expected.items())


def assert_replayed(evidence: Evidence) -> None:
    assert evidence.cumulative.keys() == evidence.cumulative_offline.keys()
    assert {"feature:recency_days", "segments", "distance", "distance:0", "residual"} <= evidence.cumulative.keys()
    assert differences(evidence.cumulative, evidence.cumulative_offline) <= 1e-6
    for name, value in evidence.window_offline.items():
        assert abs(evidence.window[name] - value) < 0.1 * evidence.thresholds[name], name
    assert evidence.lost > 0
    assert evidence.said_lost == evidence.lost
    assert "SegmentationDrift" in {alert["alertname"] for alert in evidence.alerts}


def test_psi_is_that_of_the_same_customers_offline_and_nearly_so_after_trouble(evidence: Evidence) -> None:
    assert_replayed(evidence)


@pytest.mark.real_data
def test_the_same_with_olist_by_month(olist: Evidence) -> None:
    assert_replayed(olist)


def test_the_alert_reaches_alertmanager_and_no_rule_fails(evidence: Evidence) -> None:
    drift = [alert for alert in evidence.alerts if alert["alertname"] == "SegmentationDrift"]
    assert {alert["model_version"] for alert in drift} == {evidence.version}
    assert {alert["window"] for alert in drift} <= {"1h", "1d", "7d"}
    assert "SegmentationCountsLost" in {alert["alertname"] for alert in evidence.alerts}
    assert evidence.problems == []


def test_the_baseline_is_the_first_customers_and_stays(evidence: Evidence) -> None:
    assert evidence.baseline is not None
    assert BASELINE <= evidence.baseline <= evidence.first_customers


def test_readiness_waits_until_the_counts_were_scraped(evidence: Evidence) -> None:
    assert not evidence.ready_at_once


def test_every_panel_s_queries_return_data(evidence: Evidence) -> None:
    # Nothing says when a model is to be replaced where the configuration does not.
    known = [query for query in evidence.empty if "segmentation_model_max_age_seconds" not in query]
    assert known == []
