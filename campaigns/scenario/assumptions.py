"""What a scenario assumes of a number: that it is certain, or how it is spread."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

import numpy as np
from scipy import stats

from segmentation.errors import ConfigurationError
from segmentation.scoring import Floats
from segmentation.tables import Interval

LOW, HIGH = 0.05, 0.95
"""The quantiles between which nine in ten draws lie."""

OUTSIDE = 0.001
"""Share of a normal distribution that may lie where the number cannot be; draws from there stop at the end."""

HINT = (
    "give a number; or low and high, with likely or without; or estimate and standard_error (or interval_95); or "
    "responded and of"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """A number that is not known: one of five groups of keys.

    Parameters
    ----------
    low, high
        Alone: anything between them is as likely (uniform).
    likely
        With them: this is the likeliest, and they are the ends (PERT).
    estimate, standard_error
        What a test measured, and how precisely (normal).
    interval_95
        Instead of the standard error, the test's 95 % interval.
    responded, of
        What a group of customers did: a share of so many (beta, by Jeffreys' prior).

    References
    ----------
    Malcolm et al. (1959), "Application of a technique for research and development program evaluation", for PERT.
    Brown, Cai, DasGupta (2001), "Interval estimation for a binomial proportion", for Jeffreys' prior.
    """

    low: float | None = None
    likely: float | None = None
    high: float | None = None
    estimate: float | None = None
    standard_error: float | None = None
    interval_95: tuple[float, float] | None = None
    responded: int | None = None
    of: int | None = None


Assumption = float | Uncertain


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """A number as it is drawn.

    Parameters
    ----------
    name
        What it is of, for people.
    unit
        "share", "money", "times" or the unit of a feature.
    form
        How it is spread, in a word.
    valid
        Where draws stop.
    """

    name: str
    unit: str
    form: str
    valid: Interval
    value: float | None
    spread: Any

    @property
    def certain(self) -> bool:
        """Whether it is one number."""
        return self.value is not None

    def at(self, probability: float) -> float:
        """A quantile of it.

        Parameters
        ----------
        probability
            0 to 1.

        Returns
        -------
        float
            In its valid range.
        """
        return float(self.draws(np.array([probability]))[0])

    def draws(self, uniform: Floats) -> Floats:
        """Draws of it.

        Parameters
        ----------
        uniform
            Uniform numbers between 0 and 1, any shape.

        Returns
        -------
        ndarray
            As many draws, float64.
        """
        if self.value is not None:
            return np.full(uniform.shape, self.value)
        return np.clip(np.asarray(self.spread.ppf(uniform), dtype=np.float64), self.valid.low, self.valid.high)

    @property
    def mean(self) -> float:
        """Its mean, but for what is cut off at the ends of its valid range."""
        return self.value if self.value is not None else float(self.spread.mean())


def distribution(given: Assumption, name: str, unit: str, valid: Interval, where: str) -> Distribution:
    """Make an assumption ready to be drawn from.

    Parameters
    ----------
    given
        As the file has it.
    name, unit
        See `Distribution`.
    valid
        The numbers that it can be.
    where
        Its place in the file, for errors.

    Returns
    -------
    Distribution
        Ready.

    Raises
    ------
    ConfigurationError
        Keys that do not belong together, numbers in the wrong order, or out of the valid range.
    """
    if not isinstance(given, Uncertain):
        _require(isfinite(given) and given in valid, f"{where} is {given:g}", f"it takes {valid}")
        return Distribution(name, unit, "certain", valid, float(given), None)
    for field in fields(Uncertain):
        value = getattr(given, field.name)
        for number in () if value is None else value if isinstance(value, tuple) else (value,):
            _require(isfinite(number), f"{where}: {field.name} is {number:g}", "give a finite number")
    keys = frozenset(field.name for field in fields(Uncertain) if getattr(given, field.name) is not None)
    form, spread = _spread(given, keys, where)
    if form == "normal":
        low = 0.0 if valid.low is None else float(spread.cdf(valid.low))
        high = 0.0 if valid.high is None else float(spread.sf(valid.high))
        _require(
            low + high <= OUTSIDE,
            f"{where}: {(low + high) * 100:.2g} % of this normal distribution lie outside of what it can be ({valid})",
            "give low, likely and high instead",
        )
    else:
        for end in spread.support():
            _require(float(end) in valid, f"{where} reaches {end:g}", f"it takes {valid}")
    return Distribution(name, unit, form, valid, None, spread)


def _spread(given: Uncertain, keys: frozenset[str], where: str) -> tuple[str, Any]:
    low, likely, high = given.low, given.likely, given.high
    if keys == {"low", "high"} and low is not None and high is not None:
        _require(low < high, f"{where}: low is not below high", "give a single number where it is certain")
        return "uniform", stats.uniform(low, high - low)
    if keys == {"low", "likely", "high"} and low is not None and likely is not None and high is not None:
        _require(low <= likely <= high and low < high, f"{where}: low, likely and high are not in order", HINT)
        span = high - low
        return "PERT", stats.beta(1 + 4 * (likely - low) / span, 1 + 4 * (high - likely) / span, low, span)
    if given.estimate is not None and keys in ({"estimate", "standard_error"}, {"estimate", "interval_95"}):
        return "normal", stats.norm(given.estimate, _standard_error(given, where))
    if keys == {"responded", "of"} and given.responded is not None and given.of is not None:
        _require(0 <= given.responded <= given.of and given.of > 0, f"{where}: responded is not from 0 to of", HINT)
        return "beta", stats.beta(given.responded + 0.5, given.of - given.responded + 0.5)
    raise ConfigurationError(f"{where} has {', '.join(sorted(keys)) or 'no key'}: that is no number", hint=HINT)


def _standard_error(given: Uncertain, where: str) -> float:
    if given.interval_95 is None:
        error = given.standard_error or 0.0
        _require(error > 0, f"{where}: standard_error is {error:g}", "give the estimate alone where it is certain")
        return error
    low, high = given.interval_95
    _require(
        given.estimate is not None and low < given.estimate < high,
        f"{where}: the estimate does not lie within interval_95",
        "give [lower end, upper end], and the estimate between them",
    )
    return (high - low) / 2 / float(stats.norm.ppf(0.975))


def _require(condition: bool, message: str, hint: str) -> None:
    if not condition:
        raise ConfigurationError(message, hint=hint)
