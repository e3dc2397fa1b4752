"""GET /drift: what the counts of this instance say."""

from datetime import UTC, datetime
from typing import Literal

import msgspec
import numpy as np

from segmentation.drift import Counts, DriftVerdict, verdict
from segmentation.scoring import Floats
from service.drift.arrays import Counted
from service.drift.layout import CUSTOMERS, FORGOTTEN, OF_WEEK, REPEATED, WITHOUT_ID, Layout


class DriftCounts(msgspec.Struct, frozen=True):
    """What was counted, by all workers of the instance that answers.

    Parameters
    ----------
    n
        Customers counted.
    n_counts
        What n is: `customers`, each once a day; `calls`, where none came with an id; or `both`.
    without_id, repeated_calls
        Customers counted without an id, each call anew; calls for customers who had been counted that day, left out.
    of_week
        Customers counted, each once in seven days.
    forgotten
        Customers forgotten for want of room, who may have been counted twice a day.
    missing
        By feature, customers sent with features who lacked it.
    outliers
        By id of the segment, customers far out in it.
    """

    n: int
    n_counts: Literal["customers", "calls", "both"]
    without_id: int
    repeated_calls: int
    of_week: int
    forgotten: int
    missing: dict[str, int]
    outliers: dict[str, int]


class DriftBaseline(msgspec.Struct, frozen=True):
    """The first customers that this instance counted of the model.

    Parameters
    ----------
    wanted
        With how many customers it is complete.
    customers
        How many it has.
    complete
        Whether it is frozen: until then there is nothing to compare with.
    """

    wanted: int
    customers: int
    complete: bool


class DriftAnswer(msgspec.Struct, frozen=True):
    """Whether the customers who are asked for are like those who were asked for first, and like the training ones.

    Parameters
    ----------
    scope
        Whose counts these are: of this instance, since it began to count for the model. Prometheus has those of all
        instances, and of the last hour, day and week.
    since
        When it began.
    verdict, responsible
        Against the baseline; `too few` until that is complete.
    against_baseline
        Customers after the baseline compared with it; null until it is complete.
    against_training
        All customers counted compared with the training customers. Whoever asks for predictions is seldom a fair sample
        of these: a difference is no drift by itself.
    """

    model_version: str
    scope: Literal["this instance, since it took the model"]
    since: datetime
    verdict: Literal["drift", "ageing", "none", "too few"]
    responsible: tuple[str, ...]
    counted: DriftCounts
    baseline: DriftBaseline
    against_baseline: DriftVerdict | None
    against_training: DriftVerdict


def report(counted: Counted, frozen: Floats | None, wanted: int) -> DriftAnswer:
    """Compare an instance's counts of a model with its reference.

    Parameters
    ----------
    counted
        Of the model.
    frozen
        The baseline; None where there is none yet.
    wanted
        With how many customers it is complete.

    Returns
    -------
    DriftAnswer
        At the level of alerts.
    """
    layout, totals = counted.layout, counted.totals
    after = None
    if frozen is not None:
        after = verdict(layout.drift, _distinct(layout, totals - frozen), baseline=_bins(layout, frozen))
    n, without = int(totals[CUSTOMERS]), int(totals[WITHOUT_ID])
    return DriftAnswer(
        model_version=layout.version,
        scope="this instance, since it took the model",
        since=datetime.fromtimestamp(counted.begun, UTC),
        verdict="too few" if after is None else after.verdict,
        responsible=() if after is None else after.responsible,
        counted=DriftCounts(
            n=n,
            n_counts="customers" if not without else "calls" if without == n else "both",
            without_id=without,
            repeated_calls=int(totals[REPEATED]),
            of_week=int(totals[OF_WEEK]),
            forgotten=int(totals[FORGOTTEN]),
            missing=dict(zip(layout.features, map(int, totals[layout.missing :]), strict=False)),
            outliers=dict(zip(map(str, layout.segments), map(int, totals[layout.outliers :]), strict=True)),
        ),
        baseline=DriftBaseline(
            wanted=wanted, customers=int((totals if frozen is None else frozen)[CUSTOMERS]), complete=frozen is not None
        ),
        against_baseline=after,
        against_training=verdict(layout.drift, _distinct(layout, totals)),
    )


def _distinct(layout: Layout, totals: Floats) -> dict[str, Counts]:
    """Counts scaled to the customers of a week: who comes every day is no new evidence every day."""
    customers = totals[CUSTOMERS]
    return _bins(layout, totals * (totals[OF_WEEK] / customers if customers else 1.0))


def _bins(layout: Layout, totals: Floats) -> dict[str, Counts]:
    return {monitor.name: np.rint(totals[place]).astype(np.int64) for monitor, place in layout.bins()}
