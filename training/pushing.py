"""What a command reports to a Prometheus push gateway, where one is configured; failing to is only a warning."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from segmentation.failures import KNOWN, failure
from segmentation.settings import load as load_settings
from training.options import ERR

if TYPE_CHECKING:
    from segmentation.card import Card
    from training.drift.needed import Need

OUTCOMES = ("done", "not-needed", "refused", "bad-input", "lost-race", "store-unavailable", "failed")
WELL = ("done", "not-needed")
OF_EXIT_STATUS = {2: "bad-input", 3: "refused", 4: "lost-race", 5: "store-unavailable"}
"""Other ends are failed, that by a signal too."""

SECONDS = 10
"""Longest that a gateway may take."""

_CURRENT: ContextVar[JobReport]


class JobReport:
    """What one run of a command has to tell.

    Parameters
    ----------
    command
        Its name.
    alias
        That it reads or moves; empty where it has none.
    """

    def __init__(self, command: str, alias: str = "") -> None:
        self.command = command
        self.alias = alias
        self.outcome = "failed"
        self.values: dict[str, tuple[str, dict[tuple[tuple[str, str], ...], float]]] = {}

    def tell(self, name: str, meaning: str, value: float, **labels: str) -> None:
        """Report a number.

        Parameters
        ----------
        name, meaning
            Of the metric, without its prefix `segmentation_job_`.
        value
            The number.
        labels
            By name, the same names each time.
        """
        self.values.setdefault(name, (meaning, {}))[1][tuple(labels.items())] = value

    def tell_card(self, card: Card) -> None:
        """Report a model.

        Parameters
        ----------
        card
            Of the model that was made.
        """
        metrics, refits = card.metrics, card.refits
        self.tell("customers", "customers that the model was made of", card.counts.customers)
        self.tell("segments", "segments by clustering", card.k)
        self.tell("silhouette", "mean silhouette", metrics.silhouette)
        self.tell("silhouette_unstructured", "silhouette of customers without structure", metrics.unstructured)
        self.tell("refits_ari", "adjusted Rand index between the model and refits", refits.seeds_ari, refits="seeds")
        self.tell("refits_ari", "", refits.bootstrap_ari, refits="bootstrap")
        if card.lineage is not None and card.lineage.moved_by_model is not None:
            self.tell("moved_ratio", "customers who moved because the model changed", card.lineage.moved_by_model)
        for check in () if card.gate is None else card.gate.checks:
            self.tell("gate_passed", "1: the check let the model pass", float(check.passed), check=check.name)

    def tell_need(self, need: Need) -> None:
        """Report whether a model was needed, and how far customers have drifted.

        Parameters
        ----------
        need
            What was found.
        """
        self.tell("needed", "1: a new model was needed", float(need.needed))
        if need.age_days is not None:
            self.tell("model_age_days", "age of the live model against the data", need.age_days)
        for reading in () if need.drift is None else need.drift.readings:
            told = {"statistic": reading.name, "ages": str(reading.ages).lower()}
            self.tell("drift_psi", "PSI of the data against the live model's customers", reading.psi, **told)
            if reading.threshold is not None:
                self.tell("drift_threshold", "above what the PSI is drift", reading.threshold, **told)

    def push(self, address: str, seconds: float) -> None:
        """Send it; what a run did not come to know stays as the run before told it.

        Parameters
        ----------
        address
            Of the gateway: http://host:port, with user:password@ before the host where it asks for them.
        seconds
            That the command took.

        Raises
        ------
        OSError, ValueError, HTTPException
            It cannot be reached, or refuses.
        """
        # Only who has a gateway pays for the library.
        from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway

        self.tell("duration_seconds", "how long the command took", seconds)
        self.tell("finished_timestamp_seconds", "when the command ended, well or not", time.time())
        if self.outcome in WELL:
            self.tell("succeeded_timestamp_seconds", "when the command last ended well", time.time())
        for outcome in OUTCOMES:
            self.tell("outcome", "1: how the command ended", float(outcome == self.outcome), outcome=outcome)
        registry = CollectorRegistry()
        for name, (meaning, values) in self.values.items():
            names = [label for label, _ in next(iter(values))]
            gauge = Gauge(f"segmentation_job_{name}", meaning, names, registry=registry)
            for labels, value in values.items():
                (gauge.labels(**dict(labels)) if labels else gauge).set(value)
        plain, handler = _access(address)
        pushadd_to_gateway(
            plain,
            f"segmentation-{self.command}",
            registry,
            grouping_key={"alias": self.alias} if self.alias else None,
            timeout=SECONDS,
            handler=handler,
        )


def reported(command: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Have a command report how it ended, and what it told `current()`.

    Parameters
    ----------
    command
        Its name.

    Returns
    -------
    callable
        Decorates the command's function, under its options.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def run(**options: Any) -> None:
            address, started = load_settings().pushgateway, time.monotonic()
            report = JobReport(command, str(options.get("alias") or ""))
            token = _CURRENT.set(report)
            try:
                function(**options)
                report.outcome = report.outcome if report.outcome in WELL else "done"
            except KNOWN as error:
                report.outcome = OF_EXIT_STATUS.get(failure(error).exit_status, "failed")
                raise
            finally:
                _CURRENT.reset(token)
                if address:
                    _push(report, address, time.monotonic() - started)

        return run

    return decorate


def current() -> JobReport:
    """What the command at work will report.

    Returns
    -------
    JobReport
        Of the innermost `reported`; one that nobody reads outside of all.
    """
    return _CURRENT.get()


_CURRENT = ContextVar("report", default=JobReport("none"))  # noqa: B039 - what nobody reads may be shared


def _push(report: JobReport, address: str, seconds: float) -> None:
    try:
        report.push(address, seconds)
    except (OSError, ValueError, HTTPException) as error:
        # Whatever it is that was given, a password before the @ is not for a log.
        where = address.rpartition("@")[2]
        reason = getattr(error, "reason", None) or type(error).__name__
        ERR.print(f"warning: nothing was reported to the push gateway {where}: {reason}")
        ERR.print("  check SEGMENTATION_PUSHGATEWAY; the run itself is not affected")


def _access(address: str) -> tuple[str, Callable[..., Any]]:
    """The address without user and password, and what sends these along."""
    from prometheus_client.exposition import basic_auth_handler, default_handler

    parts = urlsplit(address if "://" in address else f"http://{address}")
    host = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, host, parts.path, "", ""))
    if parts.username is None:
        return plain, default_handler
    user, password = unquote(parts.username), unquote(parts.password or "")

    def send(url: str, method: str, timeout: float | None, headers: Any, data: bytes) -> Callable[[], None]:
        return basic_auth_handler(url, method, timeout, headers, data, user, password)

    return plain, send
