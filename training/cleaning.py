"""Cleaning as named rules: what each is for, what may be done about it, and the condition that finds its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segmentation.errors import ConfigurationError, nearest
from segmentation.tables import EARLIEST, LATEST, TableName
from training.sources.loaded import Action

KEPT = 0
"""Code of rows that no rule drops."""

ALL: tuple[TableName, ...] = ("orders", "events", "profiles")
TIMED: tuple[TableName, ...] = ("orders", "events")


@dataclass(frozen=True, slots=True)
class Rule:
    """One cleaning rule.

    Parameters
    ----------
    name, help
        How it is called, and which rows it is about.
    action
        What happens to them unless the configuration says otherwise.
    condition
        SQL over the typed columns; empty where it takes more than one row to tell.
    needs
        Columns without which it cannot be asked.
    tables
        Canonical tables that it is for.
    may_keep
        Whether features can be made of such rows.
    """

    name: str
    help: str
    action: Action
    condition: str = ""
    needs: tuple[str, ...] = ()
    tables: tuple[TableName, ...] = ALL
    may_keep: bool = False


def impossible(column: str) -> str:
    """SQL that finds moments taken for mistakes.

    Parameters
    ----------
    column
        A moment.

    Returns
    -------
    str
        A condition.
    """
    return f"{column} NOT BETWEEN '{EARLIEST:%Y-%m-%d}' AND '{LATEST:%Y-%m-%d}'"


RULES: tuple[Rule, ...] = (
    Rule("truncated_last_line", "the file ends in the middle of its last line", "drop"),
    Rule("malformed_row", "the row has too few or too many columns, or a quotation mark is not closed", "refuse"),
    Rule("missing_customer", "nobody can be told from the row", "drop", "customer_id IS NULL", ("customer_id",)),
    Rule("missing_order", "the row has no order id", "drop", "order_id IS NULL", ("order_id",), ("orders",)),
    Rule("missing_date", "the row has no date", "drop", "moment IS NULL AND NOT unreadable_moment", ("moment",), TIMED),
    Rule(
        "missing_event_type", "the row does not say what happened", "drop", "event_type IS NULL", ("event_type",),
        ("events",),
    ),
    Rule("unreadable_value", "a date or number that is none", "refuse", "unreadable"),
    Rule("impossible_date", f"before {EARLIEST:%Y} or after {LATEST:%Y}", "drop", impossible("moment"), ("moment",),
         TIMED),
    Rule("cancelled_line", "a cancellation or return, marked as the mapping says", "drop", "cancelled_line",
         ("cancelled_line",), ("orders",)),
    Rule("cancelled_order", "its status says that the order was cancelled", "keep", "cancelled_order",
         ("cancelled_order",), ("orders",), may_keep=True),
    Rule("not_a_product", "postage, fees, adjustments: product ids that the mapping names", "drop", "not_a_product",
         ("not_a_product",), ("orders",), may_keep=True),
    Rule("negative_quantity", "fewer than no pieces", "drop", "quantity < 0", ("quantity",), ("orders",)),
    Rule("zero_quantity", "no pieces", "drop", "quantity = 0", ("quantity",), ("orders",), may_keep=True),
    Rule("missing_price", "neither a price nor a payment", "drop", "missing_price", ("missing_price",), ("orders",),
         may_keep=True),
    Rule("negative_price", "a price under 0", "drop", "price < 0", ("price",), TIMED),
    Rule("zero_price", "a price of 0", "drop", "price = 0", ("price",), ("orders",), may_keep=True),
    Rule("zero_price", "a price of 0", "keep", "price = 0", ("price",), ("events",), may_keep=True),
    Rule("out_of_range", "another number or date that its column cannot hold", "refuse", "out_of_range"),
    Rule("mixed_currency", "an amount in another currency than most that name theirs", "refuse", may_keep=True),
    Rule("exact_duplicate", "the whole row stands in the files before", "drop", may_keep=True),
    Rule("cancelled_original", "what a cancelled line cancels: the same customer, product, pieces and price before it",
         "drop", "", ("cancelled_line", "product_id", "quantity"), ("orders",), may_keep=True),
    Rule("repeated_customer", "a second row of the same customer, with other values", "refuse", tables=("profiles",)),
)  # fmt: skip
"""Every rule, in the order in which they are asked: a row counts for the first that applies."""


def actions(table: TableName, chosen: Mapping[str, Action]) -> dict[str, Action]:
    """What happens by rule.

    Parameters
    ----------
    table
        The canonical table that is read.
    chosen
        The configuration's choice.

    Returns
    -------
    dict of str to Action
        Of every rule for this table, in their order.

    Raises
    ------
    ConfigurationError
        There is no such rule, or its rows cannot be kept.
    """
    known = {rule.name: rule for rule in rules_of(table)}
    everywhere = {rule.name for rule in RULES}
    for name, action in chosen.items():
        if name not in everywhere:
            raise ConfigurationError(
                f"there is no cleaning rule {name!r}", hint=nearest(name, sorted(everywhere), "there are")
            )
        if action == "keep" and name in known and not known[name].may_keep:
            raise ConfigurationError(
                f"cleaning.{name} cannot be keep: no feature can be made of such rows", hint="use drop or refuse"
            )
    return {name: chosen.get(name, rule.action) for name, rule in known.items()}


def rules_of(table: TableName) -> tuple[Rule, ...]:
    """The rules for a canonical table, in the order in which they are asked.

    Parameters
    ----------
    table
        Name of the table.

    Returns
    -------
    tuple of Rule
        Each name once.
    """
    return tuple(rule for rule in RULES if table in rule.tables)


def first_rule_sql(rules: Sequence[Rule], done: Mapping[str, Action], present: frozenset[str]) -> str:
    """SQL that gives the code of the first rule that applies to a row, or `KEPT`.

    Parameters
    ----------
    rules
        In the order in which they are asked; a rule's code is its position plus one.
    done
        What happens by rule: rules that keep their rows are asked last, so that they hide no other.
    present
        Columns that there are.

    Returns
    -------
    str
        An expression of type UTINYINT.
    """
    asked = [
        (number, rule)
        for number, rule in enumerate(rules, start=1)
        if rule.condition and present.issuperset(rule.needs)
    ]
    asked.sort(key=lambda pair: done[pair[1].name] == "keep")
    cases = " ".join(f"WHEN {rule.condition} THEN {number}" for number, rule in asked)
    return f"CAST(CASE {cases} ELSE {KEPT} END AS UTINYINT)"


def code(rules: Sequence[Rule], name: str) -> int:
    """The code of a rule in the table of lines.

    Parameters
    ----------
    rules
        From `rules_of`.
    name
        Of one of them.

    Returns
    -------
    int
        1 for the first.
    """
    return [rule.name for rule in rules].index(name) + 1


def kept_sql(rules: Sequence[Rule], done: Mapping[str, Action]) -> str:
    """SQL condition for the rows that stay.

    Parameters
    ----------
    rules, done
        As for `first_rule_sql`.

    Returns
    -------
    str
        Over the column `rule`.
    """
    codes = [KEPT, *(code(rules, rule.name) for rule in rules if done[rule.name] == "keep")]
    return f"rule IN ({', '.join(map(str, codes))})"
