"""Prometheus's rules: both files hold the same, promtool takes them, each alert fires when it must and only then."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.files import FOLDER, contents, plain, rules
from monitoring.rule import Alert
from tests.servers import prometheus
from tests.servers.service import ROOT

ALERTS = {rule.name: rule for group in rules() for rule in group.rules if isinstance(rule, Alert)}

Series = dict[str, str]
"""Values as promtool writes them, by series; a minute between them."""

SERVICE = 'job="segmentation",namespace="shop"'
MODEL = f'{SERVICE},model_version="m"'
NOW = 1_000_000
FIRING = {
    "SegmentationModelTooOld": [
        {f"segmentation_model_age_seconds{{{SERVICE}}}": f"{91 * 86_400}+60x180"},
        {
            f"segmentation_model_age_seconds{{{SERVICE}}}": f"{38 * 86_400}+60x180",
            f"segmentation_model_max_age_seconds{{{MODEL}}}": f"{30 * 86_400}+0x180",
        },
    ],
    "SegmentationReloadFailing": [{f"segmentation_reload_last_success_timestamp_seconds{{{SERVICE}}}": "0+0x180"}],
    "SegmentationNotReady": [{f"segmentation_model_ready{{{SERVICE}}}": "0+0x180"}],
    "SegmentationDown": [{f"up{{{SERVICE}}}": "0+0x180"}, {'up{job="another"}': "1+0x180"}],
    "SegmentationErrors": [
        {
            f'segmentation_requests_total{{{SERVICE},status="200"}}': "0+97x180",
            f'segmentation_requests_total{{{SERVICE},status="503"}}': "0+3x180",
        }
    ],
    "SegmentationSlow": [
        {
            f'segmentation_request_duration_seconds_bucket{{{SERVICE},route="/predict",le="0.25"}}': "0+90x180",
            f'segmentation_request_duration_seconds_bucket{{{SERVICE},route="/predict",le="0.5"}}': "0+100x180",
            f'segmentation_request_duration_seconds_bucket{{{SERVICE},route="/predict",le="+Inf"}}': "0+100x180",
        }
    ],
    "SegmentationCountsLost": [{f"segmentation_customers_predicted_total{{{SERVICE}}}": "0+5x170 0+5x9"}],
    "SegmentationJobFailed": [],
    "SegmentationJobSilent": [
        {'kube_cronjob_next_schedule_time{namespace="shop",cronjob="segmentation-training"}': "60+0x180"},
        {'kube_cronjob_spec_suspend{namespace="shop",cronjob="segmentation-training"}': "1+0x180"},
    ],
    "SegmentationModelRefused": [
        {'segmentation_job_outcome{job="segmentation-run",alias="production",outcome="refused"}': "1+0x180"}
    ],
    "SegmentationDrift": [],
}
QUIET: dict[str, list[Series]] = {
    "SegmentationModelTooOld": [
        {f"segmentation_model_age_seconds{{{SERVICE}}}": f"{80 * 86_400}+60x180"},
        {
            f"segmentation_model_age_seconds{{{SERVICE}}}": f"{100 * 86_400}+60x180",
            f"segmentation_model_max_age_seconds{{{MODEL}}}": f"{100 * 86_400}+0x180",
        },
    ],
    "SegmentationReloadFailing": [{f"segmentation_reload_last_success_timestamp_seconds{{{SERVICE}}}": "0+60x180"}],
    "SegmentationNotReady": [{f"segmentation_model_ready{{{SERVICE}}}": "1+0x175 0+0x4"}],
    "SegmentationDown": [{f"up{{{SERVICE}}}": "1+0x180", 'up{job="other"}': "0+0x180"}],
    "SegmentationErrors": [
        {
            f'segmentation_requests_total{{{SERVICE},status="200"}}': "0+1000x180",
            f'segmentation_requests_total{{{SERVICE},status="503"}}': "0+3x180",
        },
        {f'segmentation_requests_total{{{SERVICE},status="422"}}': "0+1000x180"},
        # A pod that waits for its first model.
        {
            f'segmentation_requests_total{{{SERVICE},route="/predict",status="200"}}': "0+10x180",
            f'segmentation_requests_total{{{SERVICE},route="/readyz",status="503"}}': "0+10x180",
        },
    ],
    "SegmentationSlow": [
        {
            f'segmentation_request_duration_seconds_bucket{{{SERVICE},route="/predict",le="0.25"}}': "0+100x180",
            f'segmentation_request_duration_seconds_bucket{{{SERVICE},route="/predict",le="0.5"}}': "0+100x180",
            f'segmentation_request_duration_seconds_bucket{{{SERVICE},route="/predict",le="+Inf"}}': "0+100x180",
            f'segmentation_request_duration_seconds_bucket{{{SERVICE},route="/report",le="+Inf"}}': "0+100x180",
        }
    ],
    "SegmentationCountsLost": [{f"segmentation_customers_predicted_total{{{SERVICE}}}": "0+5x180"}],
    "SegmentationJobFailed": [],
    "SegmentationJobSilent": [
        {
            'kube_cronjob_next_schedule_time{namespace="shop",cronjob="segmentation-training"}': "60+60x180",
            'kube_cronjob_spec_suspend{namespace="shop",cronjob="segmentation-training"}': "0+0x180",
            'kube_cronjob_next_schedule_time{namespace="shop",cronjob="another"}': "60+0x180",
        }
    ],
    "SegmentationModelRefused": [
        {
            'segmentation_job_outcome{job="segmentation-run",alias="production",outcome="refused"}': "0+0x180",
            'segmentation_job_outcome{job="segmentation-run",alias="production",outcome="failed"}': "1+0x180",
        }
    ],
    "SegmentationDrift": [],
}


def job(
    failed: int, succeeded_at: int | None, outcome: str, *, reported_at: int = 600, name: str = "segmentation-training"
) -> Series:
    """A run of the CronJob that began after two minutes, and what a run of `training run` reported last."""
    told = 'job="segmentation-run",alias="production"'
    series = {
        f'kube_job_owner{{namespace="shop",job_name="{name}-1",owner_kind="CronJob",owner_name="{name}"}}': "1+0x180",
        f'kube_job_status_start_time{{namespace="shop",job_name="{name}-1"}}': "120+0x180",
        f'kube_job_status_failed{{namespace="shop",job_name="{name}-1"}}': f"{failed}+0x180",
        f'segmentation_job_outcome{{{told},outcome="{outcome}"}}': "1+0x180",
        f"segmentation_job_finished_timestamp_seconds{{{told}}}": f"{reported_at}+0x180",
    }
    if succeeded_at is not None:
        succeeded = f'kube_cronjob_status_last_successful_time{{namespace="shop",cronjob="{name}"}}'
        series[succeeded] = f"{succeeded_at}+0x180"
    return series


FIRING["SegmentationJobFailed"] = [
    job(1, None, "failed"),
    job(1, 60, "store-unavailable"),
    # The gate refused the run before; this one was killed and reported nothing. And the same, of another CronJob.
    job(1, None, "refused", reported_at=60),
    job(1, None, "refused", reported_at=60, name="segmentation-export"),
]
# A success after it; a gate that refused is told by itself.
QUIET["SegmentationJobFailed"] = [job(0, 300, "done"), job(1, 300, "done"), job(1, None, "refused")]


def served(before: tuple[int, int], after: tuple[int, int], **changes: str) -> Series:
    """Customers a minute in the two bins of a feature, in the first hour and after it; 900 make the baseline."""
    counts = [f"0+{first}x60 {60 * first + later}+{later}x120" for first, later in zip(before, after, strict=True)]
    every, later = sum(before), sum(after)
    total = f"0+{every}x60 {60 * every + later}+{later}x120"
    label = f'{MODEL},instance="a"'
    return {
        f'segmentation_feature_bin_total{{{label},feature="monetary",bin="0"}}': counts[0],
        f'segmentation_feature_bin_total{{{label},feature="monetary",bin="1"}}': counts[1],
        f'segmentation_segment_total{{{label},segment="0"}}': total,
        f"segmentation_drift_customers_total{{{label}}}": total,
        f"segmentation_drift_customers_of_week_total{{{label}}}": total,
        f"segmentation_drift_baseline_customers{{{SERVICE}}}": "900+0x180",
        f"segmentation_drift_minimum_customers{{{MODEL}}}": "50+0x180",
        f'segmentation_drift_coefficient{{{MODEL},statistic="feature:monetary",level="alert"}}': "20+0x180",
        f'segmentation_drift_coefficient{{{MODEL},statistic="segments",level="alert"}}': "20+0x180",
        f'segmentation_drift_ages{{{MODEL},statistic="feature:monetary"}}': "0+0x180",
        f'segmentation_drift_reference{{{MODEL},statistic="feature:monetary",bin="0"}}': "500+0x180",
        f'segmentation_drift_reference{{{MODEL},statistic="feature:monetary",bin="1"}}': "500+0x180",
        f'segmentation_drift_reference{{{MODEL},statistic="segments",bin="0"}}': "1000+0x180",
    } | {next(name for name in DRIFT_SERIES if key in name): value for key, value in changes.items()}


DRIFT_SERIES = (
    f'segmentation_drift_ages{{{MODEL},statistic="feature:monetary"}}',
    f"segmentation_drift_minimum_customers{{{MODEL}}}",
    f"segmentation_drift_baseline_customers{{{SERVICE}}}",
)
FIRING["SegmentationDrift"] = [served((15, 15), (5, 25))]
QUIET["SegmentationDrift"] = [
    # Far from the training customers, and as from the beginning.
    served((3, 27), (3, 27)),
    served((15, 15), (5, 25), ages="1+0x180"),
    served((15, 15), (5, 25), minimum="100000+0x180"),
    served((15, 15), (5, 25), baseline="100000+0x180"),
]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    prometheus.require()
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=120)


def case(series: Series, expression: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": "180m", "exp_samples": expected}],
    }


def assert_tests_pass(folder: Path, alert: str, cases: list[dict[str, Any]]) -> None:
    # The alert's own group: those of drift are many, and three hours of them take seconds.
    groups = [group for group in rules(interval="1m") if alert in [getattr(rule, "name", "") for rule in group.rules]]
    (folder / "rules.yaml").write_text(plain(tuple(groups)))
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": cases}
    (folder / "tests.yaml").write_text(yaml.safe_dump(tests))
    done = promtool("test", "rules", str(folder / "tests.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
def test_promtool_takes_the_rules() -> None:
    done = promtool("check", "rules", str(FOLDER / "rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_operator_s_object_holds_the_same_rules() -> None:
    operator = yaml.safe_load((FOLDER / "prometheus-rule.yaml").read_text())
    assert operator["kind"] == "PrometheusRule"
    assert operator["spec"] == yaml.safe_load((FOLDER / "rules.yaml").read_text())


@pytest.mark.prometheus
@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_when_it_must_and_is_quiet_when_it_must(name: str, tmp_path: Path) -> None:
    """promtool lets three hours go by."""
    firing = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) > bool 0'
    cases = [case(series, firing, [{"labels": "{}", "value": 1}]) for series in FIRING[name]]
    cases += [case(series, firing, []) for series in QUIET[name]]
    assert FIRING[name]
    assert QUIET[name]
    assert_tests_pass(tmp_path, name, cases)


@pytest.mark.prometheus
def test_a_customer_who_comes_daily_is_no_new_evidence_daily(tmp_path: Path) -> None:
    """Over the week n is the number of customers, of whom a tenth were new this week; over an hour, of calls."""
    series = served((15, 15), (15, 15))
    series[f'segmentation_drift_customers_of_week_total{{{MODEL},instance="a"}}'] = "0+3x180"
    expected = f'segmentation:drift:customers{{{MODEL},statistic="segments",window='
    assert_tests_pass(
        tmp_path,
        "SegmentationDrift",
        [
            case(series, f'segmentation:drift:customers{{statistic="segments",window="{window}"}}',
                 [{"labels": f'{expected}"{window}"}}', "value": customers}])
            for window, customers in (("1h", 1800), ("7d", 540))
        ],
    )  # fmt: skip


def test_every_alert_has_a_section_in_the_runbook_and_leads_there() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").split("## Runbook")[1]
    assert sorted(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == sorted(ALERTS)
    for alert in ALERTS.values():
        assert alert.plain()["annotations"]["runbook_url"] == f"docs/deploy.md#{alert.name.lower()}"


def test_alerts_lead_to_where_the_page_is_read() -> None:
    page = "https://git.example.com/deploy.md"
    for name in ("rules.yaml", "prometheus-rule.yaml"):
        assert contents(page)[name].count(f"runbook_url: {page}#segmentation") == len(ALERTS)
