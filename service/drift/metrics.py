"""The counts of drift as Prometheus metrics, with what rules need to judge them: reference, coefficients, minimum."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.drift.arrays import Counted
from service.drift.layout import CUSTOMERS, FORGOTTEN, OF_WEEK, REPEATED, WITHOUT_ID
from service.drift.seen import DAY_SECONDS

VERSION = "model_version"

BINS = {
    "feature": ("segmentation_feature_bin", "Customers by bin of a feature.", ["feature", "bin"]),
    "segments": ("segmentation_segment", "Customers by segment.", ["segment"]),
    "distance": ("segmentation_distance_bin", "Customers by bin of the distance to their centre.", ["bin"]),
    "distance_within": (
        "segmentation_segment_distance_bin", "Customers by segment and bin of the distance to its centre.",
        ["segment", "bin"],
    ),
    "residual": ("segmentation_residual_bin", "Customers by bin of what the components kept do not tell.", ["bin"]),
}  # fmt: skip
"""By kind of monitor: name, help, labels besides the model's version."""

CALLS = (
    ("segmentation_drift_customers", CUSTOMERS, "Customers counted, each once a day; without an id, each call."),
    ("segmentation_drift_customers_of_week", OF_WEEK, "Customers counted, each once in seven days; likewise."),
    ("segmentation_drift_calls_without_id", WITHOUT_ID, "Customers counted who came without an id."),
    ("segmentation_drift_repeated_calls", REPEATED, "Calls for customers who had been counted that day."),
    (
        "segmentation_drift_forgotten_customers",
        FORGOTTEN,
        "Customers forgotten for want of room: may count twice.",
    ),
)


class DriftCollector(Collector):
    """The counts of all models that an instance tells of.

    Parameters
    ----------
    counted
        By model.
    baseline_customers
        With how many customers the baseline is complete.
    """

    def __init__(self, counted: Sequence[Counted], baseline_customers: int) -> None:
        self._counted = counted
        self._baseline_customers = baseline_customers

    def collect(self) -> Iterator[Metric]:
        """The metrics.

        Yields
        ------
        Metric
            Every bin from the beginning, at 0 where nobody was counted.
        """
        yield from self._bins()
        missing = CounterMetricFamily(
            "segmentation_missing", "Customers sent with features who lacked one.", labels=["feature", VERSION]
        )
        outliers = CounterMetricFamily(
            "segmentation_outliers", "Customers far out in their segment.", labels=["segment", VERSION]
        )
        for each in self._counted:
            layout, totals = each.layout, each.totals.tolist()
            for position, feature in enumerate(layout.features, layout.missing):
                missing.add_metric([feature, layout.version], totals[position])
            for position, segment in enumerate(layout.segments, layout.outliers):
                outliers.add_metric([str(segment), layout.version], totals[position])
        yield missing
        yield outliers
        for name, place, documentation in CALLS:
            calls = CounterMetricFamily(name, documentation, labels=[VERSION])
            for each in self._counted:
                calls.add_metric([each.layout.version], float(each.totals[place]))
            yield calls
        yield from self._reference()

    def _bins(self) -> Iterator[Metric]:
        families = {
            kind: CounterMetricFamily(name, documentation, labels=[*labels, VERSION])
            for kind, (name, documentation, labels) in BINS.items()
        }
        for each in self._counted:
            totals = each.totals.tolist()
            for monitor, place in each.layout.bins():
                # The feature or the segment that the monitor is of.
                _, _, of = monitor.name.partition(":")
                labels = [of] if of else []
                for name, value in zip(each.layout.bin_names(monitor), totals[place], strict=True):
                    families[monitor.kind].add_metric([*labels, name, each.layout.version], value)
        yield from families.values()

    def _reference(self) -> Iterator[Metric]:
        reference = GaugeMetricFamily(
            "segmentation_drift_reference", "Training customers by bin.", labels=["statistic", "bin", VERSION]
        )
        coefficients = GaugeMetricFamily(
            "segmentation_drift_coefficient", "PSI is drift above this times (1/n + 1/N).",
            labels=["statistic", "level", VERSION],
        )  # fmt: skip
        ages = GaugeMetricFamily(
            "segmentation_drift_ages", "Whether a statistic shifts by the passing of time alone.",
            labels=["statistic", VERSION],
        )  # fmt: skip
        minimum = GaugeMetricFamily(
            "segmentation_drift_minimum_customers", "Customers under which there is no verdict.", labels=[VERSION]
        )
        ages_out = GaugeMetricFamily(
            "segmentation_model_max_age_seconds", "Age at which the model is to be replaced.", labels=[VERSION]
        )
        for each in self._counted:
            version = each.layout.version
            if each.layout.max_age_days is not None:
                ages_out.add_metric([version], each.layout.max_age_days * DAY_SECONDS)
            minimum.add_metric([version], each.layout.drift.minimum)
            for monitor, _ in each.layout.bins():
                ages.add_metric([monitor.name, version], float(monitor.ages))
                for name, count in zip(each.layout.bin_names(monitor), monitor.counts, strict=True):
                    reference.add_metric([monitor.name, name, version], count)
                for level, coefficient in monitor.coefficients.items():
                    coefficients.add_metric([monitor.name, level, version], coefficient)
        yield from (reference, coefficients, ages, minimum, ages_out)
        yield GaugeMetricFamily(
            "segmentation_drift_baseline_customers", "With how many customers the serving baseline is complete.",
            value=self._baseline_customers,
        )  # fmt: skip
