"""What an order is worth, what is taken off it, and what a scenario is expected to bring for given assumptions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from campaigns.scenario.bound import Bound, Draw
from segmentation.scoring import Floats

Ints = npt.NDArray[np.int64]


def worth(bound: Bound, basket: Floats | None, draw: Draw, customers: int) -> Floats:
    """What each customer's order is worth before discount.

    Parameters
    ----------
    bound
        The scenario.
    basket
        The customers' own average order, where orders are a multiple of it.
    draw
        The assumptions.
    customers
        How many.

    Returns
    -------
    ndarray
        float64, shape (customers,); 0 where a response is no order.
    """
    if bound.relative and basket is not None:
        return basket * draw.basket
    return np.full(customers, draw.basket)


def off(bound: Bound, value: Floats, draw: Draw) -> Floats:
    """What is taken off each order.

    Parameters
    ----------
    bound
        The scenario.
    value
        What the orders are worth.
    draw
        The assumptions.

    Returns
    -------
    ndarray
        Never more than the order is worth.
    """
    if bound.scenario.discount.amount is not None:
        return np.minimum(value, draw.discount)
    return value * draw.discount


def paid(bound: Bound, basket: Floats | None, draw: Draw, customers: int) -> Floats:
    """What each customer pays for the order.

    Parameters
    ----------
    bound, basket, draw, customers
        See `worth`.

    Returns
    -------
    ndarray
        float64.
    """
    value = worth(bound, basket, draw, customers)
    return value - off(bound, value, draw)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Of groups of customers, were each of them to order: what their orders are worth, and what is taken off them.

    Parameters
    ----------
    customers
        By group.
    worth, off
        Likewise, float64.
    """

    customers: Floats
    worth: Floats
    off: Floats


class Groups:
    """Customers in groups, whose sums each draw needs.

    Parameters
    ----------
    bound
        The scenario.
    basket
        See `worth`.
    group
        Of each customer.
    number
        How many groups there are.
    """

    def __init__(self, bound: Bound, basket: Floats | None, group: Ints, number: int) -> None:
        self._bound, self._basket, self._group, self._number = bound, basket, group, number
        self._customers = np.bincount(group, minlength=number).astype(np.float64)
        self._baskets = None if basket is None else _summed(group, basket, number)

    def sums(self, draw: Draw) -> Sums:
        """The sums of a draw.

        Parameters
        ----------
        draw
            The assumptions.

        Returns
        -------
        Sums
            By group.
        """
        if self._basket is None or self._baskets is None:
            value = worth(self._bound, None, draw, self._number)
            return Sums(self._customers, self._customers * value, self._customers * off(self._bound, value, draw))
        value = self._baskets * draw.basket
        if self._bound.scenario.discount.amount is None:
            return Sums(self._customers, value, value * draw.discount)
        # The amount may be more than a small order is worth: these are not linear, each counts for itself.
        each = off(self._bound, worth(self._bound, self._basket, draw, len(self._basket)), draw)
        return Sums(self._customers, value, _summed(self._group, each, self._number))


def expected_gain(sums: Sums, uplift: Floats, draw: Draw) -> Floats:
    """What groups are expected to bring, before the fixed cost.

    Parameters
    ----------
    sums
        Of the groups.
    uplift
        Of each group.
    draw
        The assumptions.

    Returns
    -------
    ndarray
        float64, in money, by group.
    """
    return uplift * draw.margin * sums.worth - redeeming(uplift, draw) * sums.off - draw.contact_cost * sums.customers


def redeeming(uplift: Floats, draw: Draw) -> Floats:
    """Share of customers who take the discount: those won and those who would have ordered anyway.

    Parameters
    ----------
    uplift
        Share won; below 0: lost.
    draw
        The assumptions.

    Returns
    -------
    ndarray
        0 to 1.
    """
    return uplift + draw.baseline


def _summed(group: Ints, values: Floats, number: int) -> Floats:
    return np.asarray(np.bincount(group, weights=values, minlength=number), dtype=np.float64)
