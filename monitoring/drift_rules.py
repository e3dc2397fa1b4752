"""Drift in Prometheus: the same definition as segmentation/drift.py, over all instances and over windows.

A statistic is a monitor of the model card. Each is brought into one form, customers by bin, for each window; then

    share      (count + 1/2) / (n + bins/2)
    psi        sum over bins of (share - expected) * ln(share / expected)
    threshold  coefficient * (1/n + 1/N)

Expected are the training customers (against="training") and the serving baseline (against="baseline"): the counts of
all instances when they first reached segmentation_drift_baseline_customers. Prometheus keeps these, since instances
come and go.
"""

from monitoring.rule import Alert, Group, Record

WINDOWS = ("1h", "1d", "7d")
ALL = "all"
"""The window of the counters as they are: since the instances took the model."""

MODEL = "namespace, job, model_version"
STATISTIC = f"{MODEL}, statistic"
BIN = f"{STATISTIC}, bin"

COUNTS = "segmentation:drift_bin:customers"
BASELINE = "segmentation:drift_baseline_bin:customers"
EXPECTED = "segmentation:drift_expected_bin:customers"
SHARE = "segmentation:drift_bin:share"
EXPECTED_SHARE = "segmentation:drift_expected_bin:share"
CUSTOMERS = "segmentation:drift:customers"
PSI = "segmentation:drift:psi"
THRESHOLD = "segmentation:drift:threshold"
EXCESS = "segmentation:drift:excess"
RESETS = "segmentation:drift:resets"

KEPT = "1d"
"""How long Prometheus may be away without forgetting a baseline."""


def groups(interval: str, hold: str) -> tuple[Group, ...]:
    """The recording rules and the alert.

    Parameters
    ----------
    interval
        Between evaluations.
    hold
        For how long customers must have drifted until somebody is told.

    Returns
    -------
    tuple of Group
        One group: each rule reads what those before it recorded.
    """
    records = [_counts(window) for window in (*WINDOWS, ALL)]
    records += _baseline()
    records += [
        Record(record=SHARE, expr=_share(COUNTS, "window")),
        Record(record=EXPECTED_SHARE, expr=_share(EXPECTED, "against")),
        Record(record=PSI, expr=" or ".join(map(_psi, ("training", "baseline")))),
        Record(record=CUSTOMERS, expr=" or ".join(map(_customers, (*WINDOWS, ALL)))),
        Record(record=THRESHOLD, expr=_threshold()),
        Record(record=EXCESS, expr=_excess()),
        Record(
            record=RESETS,
            expr="sum by (namespace, job) (resets(segmentation_customers_predicted_total[1d]))",
            labels={"window": "1d"},
        ),
    ]
    drifted = f'{EXCESS}{{against="baseline", window!="{ALL}"}} > 1'
    aged = f"max by ({STATISTIC}) (segmentation_drift_ages) == 1"
    alert = Alert(
        name="SegmentationDrift",
        expr=f"count by ({MODEL}, window) (({drifted}) unless on ({STATISTIC}) ({aged}))",
        lasts=hold,
        severity="warning",
        summary="Customers of {{ $labels.model_version }} have changed",
        description="Over {{ $labels.window }}, {{ $value }} statistics are further from the serving baseline than "
        "chance takes any of them in one window of a thousand.",
    )
    return (Group(name="segmentation-drift", interval=interval, rules=(*records, alert)),)


def _counts(window: str) -> Record:
    """Customers by statistic and bin, whatever they are called in the service."""

    def of(metric: str, labels: str) -> str:
        counted = metric if window == ALL else f"increase({metric}[{window}])"
        return f"sum by ({', '.join([MODEL, labels])}) ({counted})"

    feature = _named(of("segmentation_feature_bin_total", "feature, bin"), "feature:$1", "feature")
    segments = f'label_replace({of("segmentation_segment_total", "segment")}, "bin", "$1", "segment", "(.+)")'
    within = _named(of("segmentation_segment_distance_bin_total", "segment, bin"), "distance:$1", "segment")
    expressions = (
        feature,
        _named(segments, "segments"),
        _named(of("segmentation_distance_bin_total", "bin"), "distance"),
        within,
        _named(of("segmentation_residual_bin_total", "bin"), "residual"),
    )
    united = " or ".join(f"sum by ({BIN}) ({each})" for each in expressions)
    return Record(record=COUNTS, expr=united, labels={"window": window})


def _named(expr: str, name: str, source: str = "") -> str:
    return f'label_replace({expr}, "statistic", "{name}", "{source}", "{"(.+)" if source else ""}")'


def _baseline() -> list[Record]:
    """What was recorded stays once it is complete; until then, and where more is asked for, it is what is counted."""
    before = f"last_over_time({BASELINE}[{KEPT}])"
    segments = f'{BASELINE}{{statistic="segments"}}'
    # The counters bear a window now; what was recorded before does not.
    now = f'sum by ({BIN}) ({COUNTS}{{window="{ALL}"}})'
    frozen = f"{before} and on ({BIN}) {now} and on ({MODEL}) {_complete(f'last_over_time({segments}[{KEPT}])')}"
    return [
        Record(record=BASELINE, expr=f"({frozen}) or {now}"),
        Record(
            record=EXPECTED,
            expr=f"{BASELINE} and on ({MODEL}) {_complete(segments)}",
            labels={"against": "baseline"},
        ),
        Record(record=EXPECTED, expr=f"max by ({BIN}) (segmentation_drift_reference)", labels={"against": "training"}),
    ]


def _complete(counted: str) -> str:
    """Models of whom so many customers are counted as a baseline has; everybody counted has a segment."""
    wanted = "max by (namespace, job) (segmentation_drift_baseline_customers)"
    return f"(sum by ({MODEL}) ({counted}) >= on (namespace, job) group_left () {wanted})"


def _share(counts: str, label: str) -> str:
    group = f"{STATISTIC}, {label}"
    smoothed = f"sum by ({group}) ({counts}) + count by ({group}) ({counts}) / 2"
    return f"({counts} + 0.5) / on ({group}) group_left () ({smoothed})"


def _psi(against: str) -> str:
    expected = f'on ({BIN}) group_left (against) {EXPECTED_SHARE}{{against="{against}"}}'
    return f"sum by ({STATISTIC}, window, against) (({SHARE} - {expected}) * ln({SHARE} / {expected}))"


def _customers(window: str) -> str:
    """A customer counts once a day: over longer windows, as many as came within a week are told apart."""
    counted = f'sum by ({STATISTIC}, window) ({COUNTS}{{window="{window}"}})'
    if window not in ("7d", ALL):
        return counted
    week, every = "segmentation_drift_customers_of_week_total", "segmentation_drift_customers_total"
    if window != ALL:
        week, every = f"increase({week}[{window}])", f"increase({every}[{window}])"
    distinct = f"clamp_max(sum by ({MODEL}) ({week}) / (sum by ({MODEL}) ({every}) > 0), 1)"
    return f"({counted} * on ({MODEL}) group_left () {distinct})"


def _threshold() -> str:
    customers = f"({CUSTOMERS} > 0)"
    coefficient = f'max by ({STATISTIC}) (segmentation_drift_coefficient{{level="alert"}})'
    # Every window against each of both: the second factor brings the label.
    sums = [
        f'(1 / {customers} + on ({STATISTIC}) group_left (against) 1 / (sum by ({STATISTIC}, against) '
        f'({EXPECTED}{{against="{against}"}}) > 0))'
        for against in ("training", "baseline")
    ]  # fmt: skip
    return f"({' or '.join(sums)}) * on ({STATISTIC}) group_left () {coefficient}"


def _excess() -> str:
    """PSI in thresholds, where both sides have customers enough for a verdict."""
    minimum = f"on ({MODEL}) group_left () max by ({MODEL}) (segmentation_drift_minimum_customers)"
    return (
        f"({PSI} / {THRESHOLD}) and on ({STATISTIC}, window) ({CUSTOMERS} >= {minimum}) "
        f"and on ({STATISTIC}, against) (sum by ({STATISTIC}, against) ({EXPECTED}) >= {minimum})"
    )
