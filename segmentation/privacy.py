"""What may be told of customers, and of how many at least."""

from collections.abc import Sequence

SMALLEST_GROUP = 10
"""No group of fewer customers is described in an artefact."""


def withheld(sizes: Sequence[int]) -> frozenset[int]:
    """Which groups are not told of where it is told what all of them have together.

    Parameters
    ----------
    sizes
        Customers in each group.

    Returns
    -------
    frozenset of int
        Positions of the small ones, and of the next larger ones where what all others leave for the small ones would be
        of fewer than `SMALLEST_GROUP`.

    Examples
    --------
    >>> sorted(withheld([173, 82, 0, 77, 1]))
    [3, 4]
    >>> sorted(withheld([173, 82, 6, 77, 5]))
    [2, 4]
    """
    hidden = {position for position, size in enumerate(sizes) if 0 < size < SMALLEST_GROUP}
    others = sorted((size, position) for position, size in enumerate(sizes) if size >= SMALLEST_GROUP)
    while hidden and others and sum(sizes[position] for position in hidden) < SMALLEST_GROUP:
        hidden.add(others.pop(0)[1])
    return frozenset(hidden)
