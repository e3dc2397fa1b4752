"""The file of a scenario as frozen dataclasses: whom, what they get, what it does to them, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from campaigns.scenario.assumptions import Assumption
from segmentation import yaml_files
from segmentation.errors import ConfigurationError, nearest
from segmentation.rules import Condition

PAGE = "docs/scenarios.md"
PRESETS = "campaigns.presets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is contacted: customers of any of some segments for whom all conditions hold; by default everybody.

    Parameters
    ----------
    segments
        Ids or names; empty: all.
    where
        Conditions on features of the model.
    """

    segments: tuple[int | str, ...] = ()
    where: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentUplift:
    """Another uplift for one segment, by id or name."""

    segment: int | str
    uplift: Assumption


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What an order is worth before any discount: so many times the customer's own average, or an amount."""

    times_average: Assumption | None = None
    amount: Assumption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order that a response is.

    Parameters
    ----------
    basket
        Its worth.
    wait_days
        How long ago it will have been when customers are looked at again.
    """

    basket: Basket = field(default_factory=lambda: Basket(times_average=1.0))
    wait_days: Annotated[float, Meta(ge=0, le=3650)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What else a response does to a feature: one of `add`, `times` and `set`."""

    feature: str
    add: Assumption | None = None
    times: Assumption | None = None
    set: Assumption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What is taken off an order: a share of its worth, or an amount, at most its worth; by default nothing."""

    share: Assumption | None = None
    amount: Assumption | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A promotion, as it is assumed to work.

    Parameters
    ----------
    title, about
        What it is, in a line and in some sentences.
    target
        Who is contacted.
    uplift
        Share of those contacted who respond because of it, beyond those who would order anyway.
    uplift_by_segment
        Others for single segments.
    baseline
        Share of those contacted who would order in that time anyway; they take the discount as well.
    order
        What a response is; None: no order, only `changes`.
    changes
        What else it does to features.
    discount
        Off the orders of all who order.
    contact_cost, fixed_cost
        For each customer contacted; and once.
    margin
        Share of an order's worth before discount that is left when goods and handling are paid, 0 to 1.
    currency
        How amounts are called.
    """

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    uplift: Assumption
    margin: Assumption
    about: Annotated[str, Meta(max_length=1000)] = ""
    target: Target = field(default_factory=Target)
    uplift_by_segment: tuple[SegmentUplift, ...] = ()
    baseline: Assumption = 0.0
    order: Order | None = None
    changes: tuple[Change, ...] = ()
    discount: Discount = field(default_factory=Discount)
    contact_cost: Assumption = 0.0
    fixed_cost: Assumption = 0.0
    currency: Annotated[str, Meta(max_length=8)] = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A scenario and the text it was read from, so that errors can say in which line.

    Parameters
    ----------
    origin
        The file, or the preset.
    text
        Its YAML.
    scenario
        What it says.
    """

    origin: str
    text: str
    scenario: Scenario

    def where(self, *path: str) -> str:
        """A key's place.

        Parameters
        ----------
        path
            Keys from the top.

        Returns
        -------
        str
            File, line and key.
        """
        node = yaml.compose(self.text, Loader=yaml.SafeLoader)
        line = 1 if node is None else yaml_files.line_of(node, path)
        return f"{self.origin}, line {line}: {'.'.join(path)}"


def load(given: str) -> Source:
    """Read a scenario.

    Parameters
    ----------
    given
        A YAML file, or the name of a preset; a file of that name comes first.

    Returns
    -------
    Source
        Of the right keys and types; that it fits a model is checked later.

    Raises
    ------
    ConfigurationError
        There is no such file or preset; a key is unknown, or a value is of the wrong type.
    """
    file = Path(given)
    if file.exists() or len(file.parts) != 1 or file.suffix:
        return parse(yaml_files.read(file), str(file))
    if given not in presets():
        raise ConfigurationError(
            f"there is no file and no preset {given!r}", hint=nearest(given, presets(), "the presets are")
        )
    text = (resources.files(PRESETS) / f"{given}.yaml").read_text(encoding="utf-8")
    return parse(text, f"preset {given}")


def parse(text: str, origin: str) -> Source:
    """Read a scenario out of text.

    Parameters
    ----------
    text
        YAML.
    origin
        Where it comes from, for errors.

    Returns
    -------
    Source
        See `load`.

    Raises
    ------
    ConfigurationError
        See `load`.
    """
    content = yaml_files.parse(text, origin, Scenario, PAGE)
    source = Source(origin, text, msgspec.convert(content, Scenario))
    _refuse_senseless(source)
    return source


def presets() -> Sequence[str]:
    """Names of the presets.

    Returns
    -------
    sequence of str
        Sorted.
    """
    names = (entry.name for entry in resources.files(PRESETS).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def as_plain(scenario: Scenario) -> dict[str, Any]:
    """The scenario as plain types, without what it leaves open.

    Parameters
    ----------
    scenario
        Any.

    Returns
    -------
    dict
        JSON types only.
    """
    plain: dict[str, Any] = _without_none(msgspec.json.decode(msgspec.json.encode(scenario)))
    return plain


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list) else value


def _refuse_senseless(source: Source) -> None:
    scenario = source.scenario
    if scenario.order is None and not scenario.changes:
        raise ConfigurationError(
            f"{source.origin}: a response does nothing", hint="give order, changes or both: what a customer then does"
        )
    if scenario.order is None and scenario.discount != Discount():
        raise ConfigurationError(
            f"{source.where('discount')}: there is no order to take it off", hint="give order, or leave discount out"
        )
    if scenario.order is not None:
        _refuse_unless(
            (scenario.order.basket.times_average is None) != (scenario.order.basket.amount is None),
            source.where("order", "basket"),
            "times_average or amount",
        )
    _refuse_unless(
        scenario.discount.share is None or scenario.discount.amount is None,
        source.where("discount"),
        "share or amount",
    )
    for change in scenario.changes:
        given = [value for value in (change.add, change.times, change.set) if value is not None]
        _refuse_unless(len(given) == 1, f"{source.where('changes')}: {change.feature}", "add, times or set")
    seen: set[str] = set()
    for change in scenario.changes:
        if change.feature in seen:
            raise ConfigurationError(
                f"{source.where('changes')}: {change.feature} is there twice", hint="keep one of the two"
            )
        seen.add(change.feature)


def _refuse_unless(condition: bool, where: str, choice: str) -> None:
    if not condition:
        raise ConfigurationError(f"{where} takes one of {choice}", hint=f"see {PAGE}")
