"""A rule of Prometheus, and groups of them."""

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning", "info"]

RUNBOOKS = "docs/deploy.md"
"""The page with a section for each alert, named as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A recording rule: the name of a series, what it is, and labels that it gets."""

    record: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)

    def plain(self, _runbooks: str = RUNBOOKS) -> dict[str, Any]:
        """As Prometheus reads it; there is nothing to do about it."""
        return {"record": self.record, "expr": self.expr} | ({"labels": self.labels} if self.labels else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule.

    Parameters
    ----------
    name, expr, lasts
        Of the alert; for how long the expression must hold.
    severity
        critical: somebody gets up; warning: somebody looks during the day; info: nobody is told by itself.
    summary, description
        What is the case, in words with Prometheus's templates; the runbook says what to do.
    """

    name: str
    expr: str
    lasts: str
    severity: Severity
    summary: str
    description: str

    def plain(self, runbooks: str = RUNBOOKS) -> dict[str, Any]:
        """As Prometheus reads it; `runbooks` is the address of the page that says what to do."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.lasts,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{runbooks}#{self.name.lower()}",
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Record | Alert, ...]
    interval: str

    def plain(self, runbooks: str = RUNBOOKS) -> dict[str, Any]:
        """As Prometheus reads it; see `Alert.plain`."""
        return {"name": self.name, "interval": self.interval, "rules": [rule.plain(runbooks) for rule in self.rules]}
