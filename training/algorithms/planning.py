"""In what form an algorithm runs, decided from an estimate before anything is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.algorithms.catalogue import SAMPLED
from training.algorithms.declared import Algorithm, Form

MEGABYTE = 1 << 20
LEAST = 1_000
"""Rows of the smallest sample that says anything of the others."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What an algorithm may take.

    Parameters
    ----------
    megabytes
        Memory beyond what is held already, by estimate.
    rows
        By algorithm: rows up to which it runs on all of them, and of the sample beyond; others as declared.
    """

    megabytes: float = 2_000
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an algorithm is to run.

    Parameters
    ----------
    form
        See `training.algorithms.declared.Form`; None: it is refused.
    rows
        On how many rows it runs.
    megabytes
        Estimate of the memory that it needs.
    refusal
        Why it is refused, and what to do; empty where it runs.
    """

    form: Form | None
    rows: int
    megabytes: float
    refusal: str = ""


def plan(algorithm: Algorithm, n: int, p: int, k: int, budget: Budget) -> Plan:
    """Decide on all rows, on the form for many rows, or against it.

    Parameters
    ----------
    algorithm
        What is to run.
    n, p, k
        Rows, dimensions, clusters.
    budget
        What it may take.

    Returns
    -------
    Plan
        The most exact form that fits the budget.
    """
    limit = budget.rows.get(algorithm.name, algorithm.exact_up_to)
    if n < 2 or (algorithm.takes_k and n < k):
        return Plan(None, n, 0.0, f"{n} rows are too few for {k if algorithm.takes_k else 2} clusters")
    exact = algorithm.working_bytes(n, p, k) / MEGABYTE
    all_rows = limit is None or n <= limit or algorithm.beyond == "exact"
    if all_rows and exact <= budget.megabytes:
        return Plan("exact", n, exact)
    if algorithm.beyond == "sub-clusters":
        needed = algorithm.working_bytes(n, p, k) / MEGABYTE
        if needed <= budget.megabytes:
            return Plan("sub-clusters", n, needed)
    least, who = exact, f"{n:,} rows need"
    if algorithm.beyond == "sample":
        most = min(n, limit or n, budget.rows.get(algorithm.name, SAMPLED.get(algorithm.name, n)))
        rows = most
        while rows >= min(LEAST, most):
            least = (algorithm.working_bytes(rows, p, k) + _extending(n, p)) / MEGABYTE
            if least <= budget.megabytes:
                return Plan("sample", rows, least)
            who = f"even a sample of {rows:,} of {n:,} rows needs"
            rows //= 2
    return Plan(
        None,
        n,
        least,
        f"{who} about {least:,.0f} MB, more than comparison.megabytes = {budget.megabytes:g}: raise it, or give fewer "
        "rows",
    )


def _extending(n: int, p: int) -> float:
    """Bytes for the labels of the rows outside a sample; distances are held for a part of them at once."""
    return 8 * n * (p + 6) + 64 * MEGABYTE
