"""Alerts about the service and the jobs: age of the model, reloads, errors, latency, CronJobs."""

from dataclasses import dataclass

from monitoring.rule import Alert, Group, Record

ERRORS = "segmentation:requests:error_ratio"
P99 = "segmentation:request_duration:p99"
REFUSED = 'max by (alias) (segmentation_job_outcome{outcome="refused"}) == 1'
REFUSED_AT = (
    "max(segmentation_job_finished_timestamp_seconds "
    'and ignoring (outcome) (segmentation_job_outcome{outcome="refused"} == 1))'
)
DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Above what somebody is told.

    Parameters
    ----------
    model_age_days
        Of the oldest model served, where the configuration that made it says nothing (`retraining.max_age_days`).
    grace_days
        More than what it says: for the job to come round.
    reload_seconds
        Since a worker last found that it serves what the registry says.
    error_share
        Of answers with a status of 500 and more, probes left out.
    slow_seconds
        99th percentile of POST /predict.
    late_seconds
        By how much a CronJob may miss its next time.
    run_seconds
        That a run of the training CronJob may take: its `activeDeadlineSeconds`.
    """

    model_age_days: int = 90
    grace_days: int = 7
    reload_seconds: int = 600
    error_share: float = 0.01
    slow_seconds: float = 0.25
    late_seconds: int = 3600
    run_seconds: int = 7200


def groups(interval: str, limits: Limits) -> tuple[Group, ...]:
    """The rules.

    Parameters
    ----------
    interval
        Between evaluations.
    limits
        Above what somebody is told.

    Returns
    -------
    tuple of Group
        Of the service, and of the jobs.
    """
    return (
        Group(name="segmentation-service", interval=interval, rules=(*_records(), *_service(limits))),
        Group(name="segmentation-jobs", interval=interval, rules=_jobs(limits)),
    )


def _records() -> tuple[Record, ...]:
    # Probes are no requests of users: a pod that waits for its first model is to say 503 to them.
    asked = 'route!~"/healthz|/readyz|/metrics"'
    rate, failed = (
        f"sum by (namespace, job) (rate(segmentation_requests_total{{{asked}{more}}}[5m]))"
        for more in ("", ', status=~"5.."')
    )
    buckets = 'sum by (namespace, job, le) (rate(segmentation_request_duration_seconds_bucket{route="/predict"}[5m]))'
    return (
        Record(record=ERRORS, expr=f"({failed} or 0 * {rate}) / ({rate} > 0)"),
        Record(record=P99, expr=f"histogram_quantile(0.99, {buckets})"),
    )


def _service(limits: Limits) -> tuple[Alert, ...]:
    age = "max by (namespace, job) (segmentation_model_age_seconds)"
    allowed = f"max by (namespace, job) (segmentation_model_max_age_seconds) + {limits.grace_days * DAY}"
    usual = f"0 * {age} + {limits.model_age_days * DAY}"
    return (
        Alert(
            name="SegmentationModelTooOld",
            expr=f"{age} > (({allowed}) or ({usual}))",
            lasts="1h",
            severity="warning",
            summary="The segmentation model is {{ $value | humanizeDuration }} old",
            description="It is older than retraining.max_age_days of its configuration and a week, or than "
            f"{limits.model_age_days} days where that says nothing.",
        ),
        Alert(
            name="SegmentationReloadFailing",
            expr="max by (namespace, job, instance) (time() - segmentation_reload_last_success_timestamp_seconds) "
            f"> {limits.reload_seconds}",
            lasts="1m",
            severity="warning",
            summary="{{ $labels.instance }} cannot tell whether it serves the latest model",
            description="The last good model is served. segmentation_reload_failing_workers has the reason.",
        ),
        Alert(
            name="SegmentationNotReady",
            expr="min by (namespace, job, instance) (segmentation_model_ready) == 0",
            lasts="5m",
            severity="critical",
            summary="{{ $labels.instance }} has workers without a model",
            description="Requests that they get are answered with 503.",
        ),
        Alert(
            name="SegmentationDown",
            # Of pods that are all gone, or in no ServiceMonitor, no series is left to be 0.
            expr='(min by (namespace, job, instance) (up{job=~".*segmentation.*"}) == 0) '
            'or absent(up{job=~".*segmentation.*"})',
            lasts="5m",
            severity="critical",
            summary="{{ with $labels.instance }}{{ . }} does not answer Prometheus"
            "{{ else }}Prometheus knows of no instance{{ end }}",
            description="It is down, or GET /metrics is not where it is looked for.",
        ),
        Alert(
            name="SegmentationErrors",
            expr=f"{ERRORS} > {limits.error_share}",
            lasts="5m",
            severity="critical",
            summary="{{ $value | humanizePercentage }} of requests fail",
            description=f"More than {limits.error_share:.0%} are answered with a status of 500 or more.",
        ),
        Alert(
            name="SegmentationSlow",
            expr=f"{P99} > {limits.slow_seconds}",
            lasts="10m",
            severity="warning",
            summary="One request for predictions in a hundred takes {{ $value | humanizeDuration }} or more",
            description=f"The 99th percentile is over {limits.slow_seconds:g} seconds.",
        ),
        Alert(
            name="SegmentationCountsLost",
            expr="sum by (namespace, job) (resets(segmentation_customers_predicted_total[1h])) > 0",
            lasts="0m",
            severity="info",
            summary="An instance began to count anew",
            description="What it counted after its last scrape is in no metric; its log says how many these were.",
        ),
    )


def _jobs(limits: Limits) -> tuple[Alert, ...]:
    ours = 'kube_job_owner{owner_kind="CronJob", owner_name=~"segmentation-.*"}'
    cronjob = '{cronjob=~"segmentation-.*"}'
    # The name of the CronJob comes with the owner.
    owned = f"* on (namespace, job_name) group_left (owner_name) max by (namespace, job_name, owner_name) ({ours})"
    failed = (
        "max by (namespace, cronjob) (label_replace("
        f"(max by (namespace, job_name) (kube_job_status_start_time) {owned}) "
        "and on (namespace, job_name) (kube_job_status_failed > 0), "
        '"cronjob", "$1", "owner_name", "(.+)"))'
    )
    late = f"time() - max by (namespace, cronjob) (kube_cronjob_next_schedule_time{cronjob})"
    suspended = f"max by (namespace, cronjob) (kube_cronjob_spec_suspend{cronjob})"
    recovered = f"max by (namespace, cronjob) (kube_cronjob_status_last_successful_time{cronjob}) > {failed}"
    # The run that the gate refused, which is told by itself; not another CronJob's, nor the next run, which is killed
    # before it reports anything else.
    refused = f"({failed} <= scalar({REFUSED_AT})) and ({failed} > scalar({REFUSED_AT}) - {limits.run_seconds})"
    return (
        Alert(
            name="SegmentationJobFailed",
            expr=f"{failed} unless on (namespace, cronjob) ({recovered}) unless on (namespace, cronjob) ({refused})",
            lasts="0m",
            severity="warning",
            summary="{{ $labels.cronjob }} failed",
            description="The latest model stays in use. No run has ended well since.",
        ),
        Alert(
            name="SegmentationJobSilent",
            expr=f"({late} > {limits.late_seconds}) or {suspended} == 1",
            lasts="15m",
            severity="warning",
            summary="{{ $labels.cronjob }} does not run",
            description="Its time has passed and no run was started, or it is suspended.",
        ),
        Alert(
            name="SegmentationModelRefused",
            expr=REFUSED,
            lasts="0m",
            severity="info",
            summary="A new model was not good enough to take the old one's place",
            description="It was published, and not promoted. The old one stays in use.",
        ),
    )
