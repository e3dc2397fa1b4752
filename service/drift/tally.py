"""Counts predicted customers into the bins of their model's monitors: one in a few microseconds, many at once."""

import threading
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from segmentation.assignment import Assignment
from segmentation.rules import NO_RULE
from segmentation.scoring import Floats
from service.decoding import Batch
from service.drift.layout import CUSTOMERS, FORGOTTEN, NOWHERE, OF_WEEK, REPEATED, WITHOUT_ID, Layout
from service.drift.seen import COUNTED, FIRST_OF_WEEK, FORGETFUL, Ids, Seen
from service.drift.seen import REPEATED as SEEN_TODAY

Place = tuple[int, tuple[float, ...]]
"""The first place of a monitor's bins; their inner edges, behind as many numbers that nobody looks at: so a search
through them from the first place on finds a place, not a bin."""

FEW = 12
"""Customers up to whom one after the other is quicker than all at once."""


class Tally:
    """What one worker counts of one model's customers.

    Parameters
    ----------
    layout
        What stands where.
    counts
        float64, shape (layout.size,).
    seen
        Who was counted already.
    """

    def __init__(self, layout: Layout, counts: Floats, seen: Seen) -> None:
        self._array = counts
        # Adding to one of these takes a tenth of the time that it takes in a numpy array.
        self._counts = counts.data.cast("B").cast("d")
        self._seen = seen
        # Threads of one worker share its array, and += on it is not atomic.
        self._lock = threading.Lock()
        watched = {
            monitor.name: (place.start, (0.0,) * place.start + tuple(monitor.edges)) for monitor, place in layout.bins()
        }

        def places(*names: str) -> list[Place]:
            return [watched.get(name, (NOWHERE, (0.0,) * NOWHERE)) for name in names]

        self._features = places(*(f"feature:{name}" for name in layout.features))
        self._starts = [start for start, _ in self._features]
        self._edges = [edges for _, edges in self._features]
        self._segments, _ = watched["segments"]
        self._distance, self._residual = places("distance", "residual")
        self._within = places(*(f"distance:{segment}" for segment in layout.segments))
        self._missing = layout.missing
        self._outliers = layout.outliers

    def one(
        self, customer: str | int | None, values: Sequence[float], missing: Sequence[float | None] | None,
        segment: int, distance: float, residual: float, outlier: bool,
    ) -> None:  # fmt: skip
        """Count a customer.

        Parameters
        ----------
        customer
            Their id; None: without one.
        values
            Of all features, those they lack filled.
        missing
            The same with None for those they lack; None: they lack none.
        segment
            Position in `card.all_segments`.
        distance, residual
            See `scoring.Scores`; NaN where a rule took them.
        outlier
            Whether they are far out in their segment.
        """
        with self._lock:
            if not self._admit(customer):
                return
            self._place(values, segment, distance, residual, outlier)
            if missing is not None:
                for position, value in enumerate(missing):
                    if value is None:
                        self._counts[self._missing + position] += 1

    def _place(self, values: Sequence[float], segment: int, distance: float, residual: float, outlier: bool) -> None:
        counts = self._counts
        for place in map(bisect_right, self._edges, values, self._starts):
            counts[place] += 1
        counts[self._segments + segment] += 1
        # NaN is not equal to itself: a rule took the customer, who is at no distance.
        if distance != distance:
            return
        start, edges = self._distance
        counts[bisect_right(edges, distance, start)] += 1
        start, edges = self._within[segment]
        counts[bisect_right(edges, distance, start)] += 1
        start, edges = self._residual
        counts[bisect_right(edges, residual, start)] += 1
        if outlier:
            counts[self._outliers + segment] += 1

    def _admit(self, customer: str | int | None) -> bool:
        """Whether they count, who may have been counted today."""
        counts = self._counts
        if customer is None:
            counts[WITHOUT_ID] += 1
            counts[OF_WEEK] += 1
        else:
            found = self._seen.meet(customer)
            if found == SEEN_TODAY:
                counts[REPEATED] += 1
                return False
            if found != COUNTED:
                counts[OF_WEEK] += 1
                if found == FORGETFUL:
                    counts[FORGOTTEN] += 1
        counts[CUSTOMERS] += 1
        return True

    def many(self, batch: Batch, answer: Assignment, outlier: npt.NDArray[np.bool_]) -> None:
        """Count customers.

        Parameters
        ----------
        batch
            The customers.
        answer
            What the model says of them.
        outlier
            Who is far out in their segment, shape (n,).
        """
        with self._lock:
            taken = self._meet(batch.customer_ids)
            if taken is not None:
                missing = None if batch.missing is None else batch.missing[taken]
                batch = Batch(batch.features[taken], (), (), missing)
                answer = Assignment(*(getattr(answer, field.name)[taken] for field in fields(answer)))
                outlier = outlier[taken]
            if len(batch.features) <= FEW:
                columns = (answer.segment, answer.distance, answer.residual, outlier)
                for row in zip(batch.features.tolist(), *(column.tolist() for column in columns), strict=True):
                    self._place(*row)
            else:
                self._place_all(batch.features, answer, outlier)
            if batch.missing is not None:
                self._array[self._missing : self._missing + len(self._features)] += batch.missing.sum(axis=0)

    def _meet(self, customers: Ids) -> npt.NDArray[np.bool_] | None:
        """Whom to count; None: everybody."""
        array, number = self._array, len(customers)
        texts = set(map(type, customers)) == {str}
        without = 0 if texts else sum(each is None for each in customers)
        array[WITHOUT_ID] += without
        if without == number:
            array[CUSTOMERS] += number
            array[OF_WEEK] += number
            return None
        found = self._seen.meet_all(customers, texts=texts)
        taken = np.asarray(found != SEEN_TODAY)
        array[CUSTOMERS] += np.count_nonzero(taken)
        array[REPEATED] += number - np.count_nonzero(taken)
        array[OF_WEEK] += np.count_nonzero(found >= FIRST_OF_WEEK)
        array[FORGOTTEN] += np.count_nonzero(found == FORGETFUL)
        return taken

    def _place_all(self, features: Floats, answer: Assignment, outlier: npt.NDArray[np.bool_]) -> None:
        array, segments = self._array, len(self._within)
        for place, column in zip(self._features, features.T, strict=True):
            _add(array, place, column)
        array[self._segments : self._segments + segments] += np.bincount(answer.segment, minlength=segments)
        free = answer.runner_up != NO_RULE
        segment, distance = answer.segment[free], answer.distance[free]
        _add(array, self._distance, distance)
        _add(array, self._residual, answer.residual[free])
        for position, place in enumerate(self._within):
            _add(array, place, distance[segment == position])
        array[self._outliers : self._outliers + segments] += np.bincount(answer.segment[outlier], minlength=segments)


def _add(array: Floats, place: Place, values: Floats) -> None:
    """Count values into bins: how many reach each edge says it, in less time than where each value belongs."""
    start, edges = place
    reach = np.count_nonzero(values >= np.array(edges[start:])[:, None], axis=1)
    array[start : len(edges) + 1] -= np.diff(reach, prepend=len(values), append=0)
