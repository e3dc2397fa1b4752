"""Numbers of a result in words."""

from __future__ import annotations

from campaigns.pictures import amount, percent
from campaigns.scenario.results import Estimate

PROJECTION = "This is a projection of the assumptions that the scenario states, not evidence."
"""On the terminal, the page, in the JSON and below each picture, which travel alone."""


def spoken(estimate: Estimate | None, unit: str = "") -> str:
    """An estimate in words: the mean, and its interval.

    Parameters
    ----------
    estimate
        None where there are too few customers to tell.
    unit
        Behind the mean.

    Returns
    -------
    str
        Such as 1,234 EUR (1,000 to 1,500); empty for None.
    """
    if estimate is None:
        return ""
    mean = f"{amount(estimate.mean)} {unit}".rstrip()
    return mean if estimate.low == estimate.high else f"{mean} ({amount(estimate.low)} to {amount(estimate.high)})"


def quantity(value: float, unit: str) -> str:
    """A number of an assumption in words.

    Parameters
    ----------
    value
        The number.
    unit
        Of the assumption.

    Returns
    -------
    str
        Such as 1.5 %, 0.9 times.
    """
    if unit == "share":
        return percent(value)
    return amount(value) if unit == "money" else f"{value:.3g} {unit}"
