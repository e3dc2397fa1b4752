"""What the marketer writes before an experiment: arms, metric, window, and how sure to be."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from segmentation import yaml_files
from segmentation.errors import ConfigurationError
from segmentation.tables import EARLIEST, LATEST

PAGE = "docs/experiments.md"
ARM = re.compile(r"[a-z][a-z0-9_-]{0,39}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")
HISTORY = "history"
"""The covariate that is the metric itself in an earlier period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What is measured of every customer.

    Parameters
    ----------
    kind
        `proportion`: the value is 0 or 1; `mean`: any number.
    column
        Of the file of outcomes. None: with `when`, whether there is any row.
    when
        Column with the time of an event: the file has one row per event, and those inside the window are added up, or
        for a proportion looked for. None: it has one row per customer.
    absent
        What a member without a row is: refused, a 0, or left out of the analysis.
    baseline, standard_deviation
        What is expected without any treatment, at large or by segment id; for a mean also how it differs between
        customers. None: measured in `--history`.
    smallest_lift
        The relative lift that would be worth having: 0.1 for 10 %.
    better
        Whether higher or lower is better.
    """

    kind: Literal["proportion", "mean"]
    smallest_lift: Annotated[float, Meta(gt=0, le=10)]
    column: str | None = None
    when: str | None = None
    absent: Literal["refuse", "zero", "drop"] = "refuse"
    baseline: float | dict[int, float] | None = None
    standard_deviation: float | dict[int, float] | None = None
    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days in which outcomes count, the first and the last included, UTC."""

    starts: date
    ends: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.ends - self.starts).days + 1

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The moment it begins, and the moment after it."""
        begins, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (self.starts, self.ends))
        return begins, last + timedelta(days=1)

    @property
    def before(self) -> Window:
        """As many days, just before it."""
        return Window(starts=self.starts - timedelta(days=self.days), ends=self.starts - timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How sure to be.

    Parameters
    ----------
    alpha
        How often a lift may be found where there is none; over all arms, and over all segments.
    power
        How often the smallest lift worth having shall be found where it is there.
    covariate
        What is known of customers before the window and goes with the metric: a feature of the assignments, or
        `history`. None: nothing.
    """

    alpha: Annotated[float, Meta(gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Meta(ge=0.5, lt=1)] = 0.8
    covariate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment as it is described.

    Parameters
    ----------
    name
        Arms under another name have nothing to do with these.
    hypothesis
        In words.
    arms
        Share of each, adding up to 1; the first is what the others are compared with.
    share
        Of each segment, how much takes part.
    segments
        Ids; empty: all.
    """

    name: str
    arms: dict[str, Annotated[float, Meta(gt=0, lt=1)]]
    metric: Metric
    window: Window
    hypothesis: str = ""
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    segments: tuple[int, ...] = ()
    analysis: Rules = Rules()

    @property
    def control(self) -> str:
        """The arm that the others are compared with."""
        return next(iter(self.arms))

    @property
    def treatments(self) -> tuple[str, ...]:
        """The others."""
        return tuple(self.arms)[1:]

    @property
    def sign(self) -> int:
        """1 where higher is better, otherwise -1."""
        return 1 if self.metric.better == "higher" else -1


def load(file: Path) -> Experiment:
    """Read the description of an experiment.

    Parameters
    ----------
    file
        YAML.

    Returns
    -------
    Experiment
        Checked as far as it can be without the base.

    Raises
    ------
    ConfigurationError
        It cannot be read, a key is unknown, or a value does not fit.
    """
    content = yaml_files.parse(yaml_files.read(file), file.name, Experiment, PAGE)
    experiment = msgspec.convert(content, Experiment)
    for wrong, hint in _objections(experiment):
        raise ConfigurationError(f"{file.name}: {wrong}", hint=hint)
    return experiment


def _objections(experiment: Experiment) -> list[tuple[str, str]]:
    metric, window, arms = experiment.metric, experiment.window, experiment.arms
    found = []
    if not NAME.fullmatch(experiment.name):
        found.append(("name takes letters, digits, spaces, dots and dashes", "at most 80, the first a letter or digit"))
    if len(arms) < 2:
        found.append((f"arms has {len(arms)}", "name two or more with their shares, the control first"))
    found += [
        (f"arm {arm!r}: its name is no word", "small letters, digits, _ and -, at most 40")
        for arm in arms
        if not ARM.fullmatch(arm)
    ]
    total = math.fsum(arms.values())
    if not math.isclose(total, 1.0, abs_tol=1e-9):
        found.append((f"the shares of arms add up to {total:.10g}", "make them 1; share says how much takes part"))
    if window.ends < window.starts:
        found.append((f"the window ends on {window.ends}, before it starts", "mend starts or ends"))
    if window.starts < EARLIEST.date() or window.ends > LATEST.date():
        found.append((f"the window is from {window.starts} to {window.ends}", "give days from 1970 to 2200"))
    if metric.column is None and (metric.kind == "mean" or metric.when is None):
        found.append(("metric lacks column", "name the column of the outcomes that is measured"))
    if metric.when is not None and metric.absent != "zero":
        found.append(("with metric.when, absent is zero", "set it so: who has no event has none"))
    if metric.better == "lower" and metric.smallest_lift >= 1:
        found.append(("smallest_lift is 1 or more where lower is better", "0.1 is 10 % less"))
    if len(set(experiment.segments)) < len(experiment.segments):
        found.append(("segments names one twice", "name each once"))
    return found + _numbers(metric)


def _numbers(metric: Metric) -> list[tuple[str, str]]:
    """What is wrong with the expected values."""
    found = []
    for key, given in (("baseline", metric.baseline), ("standard_deviation", metric.standard_deviation)):
        for value in given.values() if isinstance(given, dict) else [given] if given is not None else []:
            if not (math.isfinite(value) and value > 0):
                found.append((f"metric.{key} is {value}", "give a number above 0: a relative lift needs one"))
            elif key == "baseline" and metric.kind == "proportion" and value >= 1:
                found.append((f"metric.baseline is {value}", "a proportion lies between 0 and 1: 0.03 is 3 %"))
    if metric.standard_deviation is not None and metric.kind == "proportion":
        found.append(("a proportion has no standard_deviation of its own", "leave it out"))
    if metric.kind == "mean" and (metric.baseline is None) != (metric.standard_deviation is None):
        found.append(("of a mean, baseline and standard_deviation go together", "give both, or --history"))
    return found
