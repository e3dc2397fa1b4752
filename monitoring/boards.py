"""What the dashboards show: those of the service and of the jobs are here."""

from monitoring.drift_boards import DRIFT, SEGMENTS
from monitoring.panel import Board, Panel
from monitoring.service_rules import ERRORS, P99

_RATE = "rate(segmentation_requests_total[5m])"

TRAFFIC = Board(
    title="Segmentation: traffic and errors",
    description="Who asks, how fast they are answered, and what fails.",
    panels=(
        Panel(
            title="Requests",
            description="Requests answered per second, by route and status.",
            unit="reqps",
            queries=((f"sum by (route, status) ({_RATE}) > 0", "{{route}} {{status}}"),),
            wide=True,
        ),
        Panel(
            title="Errors",
            description="Share of requests answered with a status of 500 or more. Red: the alert SegmentationErrors.",
            unit="percentunit",
            queries=((ERRORS, "{{job}}"),),
            limit=0.01,
        ),
        Panel(
            title="Refused",
            description="Share of requests that were wrong or not allowed: status 400 to 499.",
            unit="percentunit",
            queries=(
                (
                    'sum(rate(segmentation_requests_total{status=~"4.."}[5m]) or 0 * up) '
                    "/ sum(rate(segmentation_requests_total[5m]))",
                    "refused",
                ),
            ),
        ),
        Panel(
            title="Time to answer POST /predict",
            description="In the service, without the network: one request in two and in a hundred takes longer.",
            unit="s",
            queries=(
                (P99, "99 %"),
                (
                    "histogram_quantile(0.5, sum by (le) "
                    '(rate(segmentation_request_duration_seconds_bucket{route="/predict"}[5m])))',
                    "50 %",
                ),
            ),
            limit=0.25,
        ),
        Panel(
            title="Customers predicted",
            description="Per second, by what was sent of them.",
            unit="cps",
            queries=(("sum by (input) (rate(segmentation_customers_predicted_total[5m]))", "{{input}}"),),
        ),
    ),
)

MODEL = Board(
    title="Segmentation: model",
    description="Which model is served, how old it is, and whether newer ones are found.",
    panels=(
        Panel(
            title="Age",
            description="Of the oldest model served.",
            unit="s",
            queries=(("max(segmentation_model_age_seconds)", "age"),),
            kind="number",
        ),
        Panel(
            title="Workers without a model",
            description="They answer 503. Red: any.",
            unit="short",
            queries=(('sum(segmentation_workers{model_version="none"} or 0 * segmentation_model_ready)', "workers"),),
            kind="number",
            limit=1,
        ),
        Panel(
            title="Models served",
            description="Workers by the model they serve: the history of promotions and rollbacks.",
            unit="short",
            queries=(("sum by (model_version) (segmentation_workers)", "{{model_version}}"),),
            kind="areas",
            wide=True,
        ),
        Panel(
            title="Models taken into use",
            description="Reloads of all workers within an hour, the first of each included.",
            unit="short",
            queries=(("sum(increase(segmentation_reloads_total[1h]))", "reloads"),),
        ),
        Panel(
            title="Looks that failed",
            description="Workers whose latest look for a model failed, by reason; the last good model is served.",
            unit="short",
            queries=(("sum by (reason) (segmentation_reload_failing_workers)", "{{reason}}"),),
            limit=1,
        ),
        Panel(
            title="Since the registry last agreed",
            description="Of the worker that lags most. Red: the alert SegmentationReloadFailing.",
            unit="s",
            queries=(("max(time() - segmentation_reload_last_success_timestamp_seconds)", "seconds"),),
            limit=600,
        ),
    ),
)

MAINTENANCE = Board(
    title="Segmentation: maintenance",
    description="What the jobs did, as they told the push gateway.",
    panels=(
        Panel(
            title="Outcome of the latest runs",
            description="1 beside the way in which each command ended.",
            unit="short",
            queries=(("max by (alias, outcome) (segmentation_job_outcome) == 1", "{{alias}} {{outcome}}"),),
            wide=True,
        ),
        Panel(
            title="Since a run ended well",
            description="Whether it made a model or found none to be needed.",
            unit="s",
            queries=(("time() - max by (alias) (segmentation_job_succeeded_timestamp_seconds)", "{{alias}}"),),
            kind="number",
        ),
        Panel(
            title="Age of the model, and when it is to be replaced",
            description="The second line is there where the configuration says retraining.max_age_days.",
            unit="s",
            queries=(
                ("max(segmentation_model_age_seconds)", "age"),
                ("max(segmentation_model_max_age_seconds)", "to be replaced"),
            ),
        ),
        Panel(
            title="Duration",
            description="Of the latest run of each command.",
            unit="s",
            queries=(("max by (alias) (segmentation_job_duration_seconds)", "{{alias}}"),),
        ),
        Panel(
            title="Customers",
            description="That the latest model was made of.",
            unit="short",
            queries=(("max by (alias) (segmentation_job_customers)", "{{alias}}"),),
        ),
        Panel(
            title="Silhouette",
            description="Of the latest model, and of customers without structure: the two should be far apart.",
            unit="short",
            queries=(
                ("max by (alias) (segmentation_job_silhouette)", "{{alias}}"),
                ("max by (alias) (segmentation_job_silhouette_unstructured)", "{{alias}}, without structure"),
            ),
        ),
        Panel(
            title="Agreement of refits",
            description="Adjusted Rand index between the latest model and refits of the same data.",
            unit="short",
            queries=(("max by (alias, refits) (segmentation_job_refits_ari)", "{{alias}}, {{refits}}"),),
        ),
    ),
)

BOARDS = {"traffic": TRAFFIC, "model": MODEL, "segments": SEGMENTS, "drift": DRIFT, "maintenance": MAINTENANCE}
"""By name of the file."""
