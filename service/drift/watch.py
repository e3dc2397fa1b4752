"""Counting in one process: the tallies of its models, their baselines, and when their first counts were scraped."""

import time
from collections.abc import Callable, Collection

from segmentation.card import Card
from service.drift.arrays import Arrays, Counted
from service.drift.layout import CUSTOMERS, layout_of
from service.drift.metrics import DriftCollector
from service.drift.report import DriftAnswer, report
from service.drift.seen import Seen
from service.drift.tally import Tally


class Watch:
    """What a worker counts, and what all workers of its instance have counted.

    Parameters
    ----------
    folder
        Where the workers share files; empty: this process is alone.
    baseline_customers
        With how many customers the serving baseline is complete.
    settle_seconds
        How long a model's counts are told at 0 before it is relied on: the interval between scrapes.
    served
        Versions that living workers serve.
    now
        Seconds since 1970.
    """

    def __init__(
        self, folder: str, baseline_customers: int = 5_000, settle_seconds: float = 0.0,
        served: Callable[[], Collection[str]] = tuple, now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._arrays = Arrays(folder, now)
        self._seen = Seen(folder, now)
        self._baseline_customers = baseline_customers
        self._settle_seconds = settle_seconds
        self._served = served
        self._now = now

    def tally(self, card: Card) -> Tally:
        """Begin to count a model's customers, or go on; every bin is told from now on.

        Parameters
        ----------
        card
            Of the model.

        Returns
        -------
        Tally
            Of this worker.
        """
        layout = layout_of(card)
        return Tally(layout, self._arrays.open(layout), self._seen)

    def unsettled(self, version: str) -> float:
        """How long until whoever scrapes has seen a model's counts at their beginning.

        Parameters
        ----------
        version
            Of the model.

        Returns
        -------
        float
            Seconds; 0 where it was long enough, or nobody waits for it.
        """
        if not self._settle_seconds:
            return 0.0
        begun = [each.begun for each in self._arrays.counted() if each.layout.version == version]
        return max(0.0, self._settle_seconds - (self._now() - begun[0])) if begun else 0.0

    def collector(self) -> DriftCollector:
        """What is counted, for a scrape.

        Returns
        -------
        DriftCollector
            Of all models kept.
        """
        counted = self.look()
        self._arrays.tell(counted)
        return DriftCollector(counted, self._baseline_customers)

    def report(self, card: Card) -> DriftAnswer:
        """What the counts of a model say.

        Parameters
        ----------
        card
            Of the model.

        Returns
        -------
        DriftAnswer
            Of this instance.
        """
        counted = next(each for each in self.look() if each.layout.version == card.version)
        return report(counted, self._arrays.frozen(counted.layout), self._baseline_customers)

    def look(self) -> list[Counted]:
        """All counts; a baseline that is complete is frozen, and models that nobody serves any more are forgotten.

        Returns
        -------
        list of Counted
            One of each model.
        """
        self._arrays.keep(self._served())
        counted = self._arrays.counted()
        for each in counted:
            if each.totals[CUSTOMERS] >= self._baseline_customers and self._arrays.frozen(each.layout) is None:
                self._arrays.freeze(each)
        return counted
