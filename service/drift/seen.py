"""Customers who were counted already: a customer who is asked for often counts once a day.

A table of fixed size in shared memory, one for all workers of an instance. Of a customer it holds 40 bits of a keyed
hash (Python's own for texts, whose key is in this process and its forks alone), the day on which the customer was
counted last, and the day on which they began the week they are in. Where a bucket is full of customers of this week,
one of them is forgotten, and would be counted again: more customers than there is room for are counted as calls are,
and never left out.
"""

import mmap
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from service.shared_memory import map_shared

DAY_SECONDS = 86_400
WEEK_DAYS = 7
BUCKETS = 2**17
"""Of four customers each: 4 MB. Of 260,000 customers a week one in thirty is forgotten."""

REPEATED, COUNTED, FIRST_OF_WEEK, FORGETFUL = range(4)
"""What `Seen.meet` finds: counted today already; to be counted; also new this week; also in place of another one."""

Ids = Sequence[str | int | None]

_NAME = "customers.seen"
_IN_BUCKET = 4
_PRINT = (1 << 40) - 1
_DAYS = 0xFFF
_DAY_BITS = 12
_BYTES = BUCKETS * _IN_BUCKET * 8


class Seen:
    """The customers counted by an instance within a week.

    Parameters
    ----------
    folder
        Where the workers share files; empty: this process is alone.
    now
        Seconds since 1970.
    """

    def __init__(self, folder: str, now: Callable[[], float] = time.time) -> None:
        shared = map_shared(folder, _NAME, _BYTES) if folder else None
        # Pages that nobody touches take no memory.
        buffer = shared if shared is not None else mmap.mmap(-1, _BYTES)
        self._table = memoryview(buffer).cast("Q")
        self._array = np.frombuffer(buffer, dtype=np.uint64)
        self._now = now

    def meet(self, customer: str | int) -> int:
        """A customer is asked for; callers do so one at a time.

        Parameters
        ----------
        customer
            Their id; 7 and "7" are one customer.

        Returns
        -------
        int
            REPEATED, COUNTED, FIRST_OF_WEEK or FORGETFUL.
        """
        hashed = hash(customer if customer.__class__ is str else str(customer))
        fingerprint = hashed & _PRINT | 1
        today = int(self._now()) // DAY_SECONDS & _DAYS
        table, place = self._table, (hashed >> 40 & BUCKETS - 1) * _IN_BUCKET
        free = -1
        for at in range(place, place + _IN_BUCKET):
            entry = table[at]
            if not entry:
                free = at if free < 0 else free
                # Buckets fill from their beginning.
                break
            began = entry >> _DAY_BITS & _DAYS
            past = (today - began & _DAYS) >= WEEK_DAYS
            if entry >> 24 == fingerprint:
                if entry & _DAYS == today:
                    return REPEATED
                table[at] = fingerprint << 24 | (today if past else began) << _DAY_BITS | today
                return FIRST_OF_WEEK if past else COUNTED
            if past and free < 0:
                free = at
        found = FIRST_OF_WEEK
        if free < 0:
            free, found = place + (hashed & _IN_BUCKET - 1), FORGETFUL
        table[free] = fingerprint << 24 | today << _DAY_BITS | today
        return found

    def meet_all(self, customers: Ids, *, texts: bool = False) -> npt.NDArray[np.int64]:
        """Many customers are asked for at once; callers do so one at a time.

        Parameters
        ----------
        customers
            Their ids; None for those without.
        texts
            Whether it is known already that they are texts, all of them.

        Returns
        -------
        ndarray
            What `meet` would find of each in turn, int64, shape (n,). Who has no id is FIRST_OF_WEEK each time.
        """
        if texts or set(map(type, customers)) == {str}:
            known = np.arange(len(customers))
            hashes = np.fromiter(map(hash, customers), np.int64, len(customers))
        else:
            known = np.fromiter((position for position, each in enumerate(customers) if each is not None), np.int64)
            hashes = np.fromiter((hash(str(each)) for each in customers if each is not None), np.int64, len(known))
        found = np.full(len(customers), FIRST_OF_WEEK)
        # Sorting alone, which nearly always is enough, takes a fifth of the time that np.unique takes with positions.
        ordered = np.sort(hashes)
        if (ordered[1:] != ordered[:-1]).all():
            found[known] = self._meet_hashed(hashes)
            return found
        found[known] = REPEATED
        hashes, first = np.unique(hashes, return_index=True)
        found[known[first]] = self._meet_hashed(hashes)
        return found

    def _meet_hashed(self, hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        prints = (hashes & _PRINT | 1).astype(np.uint64)
        places = ((hashes >> 40 & BUCKETS - 1) * _IN_BUCKET)[:, None] + np.arange(_IN_BUCKET)
        today = np.uint64(int(self._now()) // DAY_SECONDS & _DAYS)
        entries = self._array[places]
        matches = entries >> 24 == prints[:, None]
        known, at = matches.any(axis=1), matches.argmax(axis=1)
        rows = np.arange(len(hashes))
        began, last = entries[rows, at] >> _DAY_BITS & _DAYS, entries[rows, at] & _DAYS
        fresh = ~known | ((today - began & _DAYS) >= WEEK_DAYS)
        repeated = known & (last == today)
        content = prints << 24 | np.where(fresh, today, began) << _DAY_BITS | today
        found = np.where(repeated, REPEATED, np.where(fresh, FIRST_OF_WEEK, COUNTED))
        self._array[places[rows, at][known]] = content[known]
        waiting = np.flatnonzero(~known)
        while len(waiting):
            entries = self._array[places[waiting]]
            free = (entries == 0) | ((today - (entries >> _DAY_BITS & _DAYS) & _DAYS) >= WEEK_DAYS)
            full = ~free.any(axis=1)
            slot = np.where(full, hashes[waiting] & _IN_BUCKET - 1, free.argmax(axis=1))
            chosen = places[waiting, slot]
            self._array[chosen] = content[waiting]
            # Of two that chose one place the later has it; the other chooses again.
            settled = self._array[chosen] == content[waiting]
            found[waiting[settled & full]] = FORGETFUL
            waiting = waiting[~settled]
        return found
