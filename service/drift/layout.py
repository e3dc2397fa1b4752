"""Which places a model's counts have in an array: the same in every worker that serves the model."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

import msgspec

from segmentation.card import Card
from segmentation.drift import Drift, Monitor
from segmentation.errors import InconsistentModelError

CUSTOMERS, OF_WEEK, WITHOUT_ID, REPEATED, FORGOTTEN, NOWHERE = range(6)
"""Places that every model has: customers counted, and those of them for the first time in seven days; calls without an
id; calls for customers who had been counted that day; customers who were forgotten, see `service.drift.seen`; and what
is not watched."""

_COMMON = 6


class Layout(msgspec.Struct, frozen=True):
    """What is counted of one model's customers.

    Parameters
    ----------
    version
        Of the model.
    drift
        The reference, as in the card.
    features
        Names, in the order of the arrays.
    segments
        Ids, as in `card.all_segments`.
    max_age_days
        Age at which the model is to be replaced; None: nothing was said.
    """

    version: str
    drift: Drift
    features: tuple[str, ...]
    segments: tuple[int, ...]
    max_age_days: float | None

    @property
    def starts(self) -> tuple[int, ...]:
        """The first place of each monitor."""
        sizes = [len(monitor.counts) for monitor in self.drift.monitors]
        return tuple(accumulate([_COMMON, *sizes]))[:-1]

    @property
    def missing(self) -> int:
        """The first feature's place for customers who lacked it."""
        return _COMMON + sum(len(monitor.counts) for monitor in self.drift.monitors)

    @property
    def outliers(self) -> int:
        """The first segment's place for its outliers."""
        return self.missing + len(self.features)

    @property
    def size(self) -> int:
        """Number of places."""
        return self.outliers + len(self.segments)

    def bins(self) -> Iterator[tuple[Monitor, slice]]:
        """Each monitor, and where its bins are.

        Yields
        ------
        Monitor, slice
            In the order of the card.
        """
        for monitor, start in zip(self.drift.monitors, self.starts, strict=True):
            yield monitor, slice(start, start + len(monitor.counts))

    def bin_names(self, monitor: Monitor) -> list[str]:
        """How a monitor's bins are called in metrics.

        Parameters
        ----------
        monitor
            One of these.

        Returns
        -------
        list of str
            Ids of the segments; otherwise numbers from 0, the lowest, on.
        """
        return list(map(str, self.segments if monitor.kind == "segments" else range(len(monitor.counts))))


def layout_of(card: Card) -> Layout:
    """What is counted of a model's customers.

    Parameters
    ----------
    card
        Of the model.

    Returns
    -------
    Layout
        The same for the same card.

    Raises
    ------
    InconsistentModelError
        The reference has other segments than the card.
    """
    segments = card.drift.monitor("segments")
    if segments is None or len(segments.counts) != len(card.all_segments):
        raise InconsistentModelError(
            f"the drift reference of {card.version} has other segments than its card", hint="publish the model again"
        )
    return Layout(
        version=card.version,
        drift=card.drift,
        features=card.feature_names,
        segments=tuple(segment.id for segment in card.all_segments),
        max_age_days=card.configuration.get("retraining", {}).get("max_age_days"),
    )


@lru_cache(maxsize=8)
def decode(content: bytes) -> Layout:
    """Read a layout that another worker wrote.

    Parameters
    ----------
    content
        JSON.

    Returns
    -------
    Layout
        What it wrote.
    """
    return msgspec.json.decode(content, type=Layout)
