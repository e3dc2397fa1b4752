"""What the dashboards of segments and of drift show."""

from monitoring.drift_rules import COUNTS, CUSTOMERS, EXCESS, EXPECTED_SHARE, PSI, RESETS, SHARE, THRESHOLD
from monitoring.panel import Board, Panel

SEGMENTS = Board(
    title="Segmentation: segments",
    description="Which segments the customers who are asked for fall into.",
    panels=(
        Panel(
            title="Shares of segments, last hour",
            description="Of customers counted, smoothed as the PSI has it.",
            unit="percentunit",
            queries=((f'{SHARE}{{statistic="segments", window="1h"}}', "{{bin}}"),),
            kind="areas",
            wide=True,
        ),
        Panel(
            title="Shares of segments, training",
            description="What the shares were among the customers that the model was made of.",
            unit="percentunit",
            queries=((f'{EXPECTED_SHARE}{{statistic="segments", against="training"}}', "{{bin}}"),),
            kind="areas",
        ),
        Panel(
            title="Outliers",
            description="Share of each segment's customers who are far out in it, over a day.",
            unit="percentunit",
            queries=(
                (
                    "sum by (segment) (increase(segmentation_outliers_total[1d])) "
                    "/ (sum by (segment) (increase(segmentation_segment_total[1d])) > 0)",
                    "{{segment}}",
                ),
            ),
        ),
        Panel(
            title="Drift of the mix",
            description="PSI of the segments' shares in thresholds, by window, against the serving baseline and "
            "against the training customers. Red: drift.",
            unit="short",
            queries=((f'{EXCESS}{{statistic="segments"}}', "{{window}} against {{against}}"),),
            limit=1,
        ),
        Panel(
            title="Drift of distances within segments",
            description="PSI in thresholds over a day: customers move within or out of their segment. Red: drift.",
            unit="short",
            queries=((f'{EXCESS}{{statistic=~"distance.*", window="1d"}}', "{{statistic}} against {{against}}"),),
            limit=1,
        ),
    ),
)

DRIFT = Board(
    title="Segmentation: drift",
    description="Whether customers have changed: PSI with the threshold at the number of customers that were counted.",
    panels=(
        Panel(
            title="Largest drift",
            description="PSI of the statistic that sticks out most, in thresholds. Above 1 is drift.",
            unit="short",
            queries=((f"max by (window, against) ({EXCESS})", "{{window}} against {{against}}"),),
            limit=1,
            wide=True,
        ),
        Panel(
            title="PSI of features, last day, against the baseline or training",
            description="Of each feature. The threshold is in the next panel: it falls as customers are counted.",
            unit="short",
            queries=((f'{PSI}{{statistic=~"feature:.*", window="1d"}}', "{{statistic}} against {{against}}"),),
        ),
        Panel(
            title="Threshold of features, last day",
            description="Above what a PSI is drift: coefficient times (1/n + 1/N).",
            unit="short",
            queries=((f'{THRESHOLD}{{statistic=~"feature:.*", window="1d"}}', "{{statistic}} against {{against}}"),),
        ),
        Panel(
            title="Features in thresholds, last day",
            description="PSI divided by its threshold: which features are responsible. Those that age (recency) rise "
            "by themselves.",
            unit="short",
            queries=((f'{EXCESS}{{statistic=~"feature:.*", window="1d"}}', "{{statistic}} against {{against}}"),),
            limit=1,
            wide=True,
        ),
        Panel(
            title="Distance and residual, in thresholds",
            description="Distance to the own segment's centre; what the components kept do not tell. Red: drift.",
            unit="short",
            queries=(
                (f'{EXCESS}{{statistic=~"distance|residual"}}', "{{statistic}}, {{window}}, against {{against}}"),
            ),
            limit=1,
        ),
        Panel(
            title="Customers counted",
            description="By window: no verdict below the minimum.",
            unit="short",
            queries=(
                (f'max by (window) ({CUSTOMERS}{{statistic="segments"}})', "{{window}}"),
                ("max(segmentation_drift_minimum_customers)", "minimum"),
            ),
        ),
        Panel(
            title="Missing values",
            description="Share of customers sent with features who lacked one, over a day.",
            unit="percentunit",
            queries=(
                (
                    "sum by (feature) (increase(segmentation_missing_total[1d])) / on () group_left () "
                    '(sum(increase(segmentation_customers_predicted_total{input="features"}[1d])) > 0)',
                    "{{feature}}",
                ),
            ),
        ),
        Panel(
            title="What was not counted",
            description="Calls for customers counted that day already; customers forgotten for want of room; restarts "
            "of instances, which lose what was counted since their last scrape.",
            unit="short",
            queries=(
                ("sum(increase(segmentation_drift_repeated_calls_total[1d]))", "repeated calls"),
                ("sum(increase(segmentation_drift_forgotten_customers_total[1d]))", "forgotten customers"),
                (f"sum({RESETS})", "restarts"),
            ),
        ),
        Panel(
            title="One feature's bins, last day",
            description="Shares by bin of the feature that sticks out most.",
            unit="percentunit",
            queries=(
                (
                    f'{SHARE}{{window="1d"}} and on (statistic) topk(1, max by (statistic) '
                    f'({EXCESS}{{statistic=~"feature:.*", window="1d"}}))',
                    "{{statistic}} bin {{bin}}",
                ),
                (
                    f'sum by (statistic, bin) ({COUNTS}{{window="1d"}}) and on (statistic) topk(1, max by (statistic) '
                    f'({EXCESS}{{statistic=~"feature:.*", window="1d"}}))',
                    "customers, bin {{bin}}",
                ),
            ),
        ),
    ),
)
