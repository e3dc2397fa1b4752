"""The files that are written: Prometheus's rules, plain and for the Prometheus operator, and Grafana's dashboards."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from monitoring import component, drift_rules, service_rules
from monitoring.dashboards import DASHBOARDS, encode
from monitoring.rule import RUNBOOKS, Group

FOLDER = Path(__file__).resolve().parents[1] / "k8s" / "components" / "monitoring"
INTERVAL = "30s"
HOLD = "15m"

_HEAD = "# Made by `python -m monitoring`: change monitoring/, not this file.\n"


def rules(interval: str = INTERVAL, hold: str = HOLD, limits: service_rules.Limits | None = None) -> tuple[Group, ...]:
    """All rules.

    Parameters
    ----------
    interval
        Between evaluations.
    hold
        For how long customers must have drifted until somebody is told.
    limits
        Above what somebody is told; None: the usual ones.

    Returns
    -------
    tuple of Group
        In the order of the files.
    """
    usual = limits or service_rules.Limits()
    return (*drift_rules.groups(interval, hold), *service_rules.groups(interval, usual))


def plain(groups: tuple[Group, ...], runbooks: str = RUNBOOKS) -> str:
    """Rules as Prometheus reads them.

    Parameters
    ----------
    groups
        The rules.
    runbooks
        See `contents`.

    Returns
    -------
    str
        YAML.
    """
    return _HEAD + _yaml({"groups": [group.plain(runbooks) for group in groups]})


def contents(runbooks: str = RUNBOOKS) -> Mapping[str, str]:
    """What is written.

    Parameters
    ----------
    runbooks
        Address of the page that says what to do on an alarm.

    Returns
    -------
    mapping
        Content by path below `FOLDER`.
    """
    groups = rules()
    objects = {
        "prometheus-rule.yaml": component.rule([group.plain(runbooks) for group in groups]),
        "service-monitor.yaml": component.service_monitor(),
        "network-policy.yaml": component.network_policy(),
    }
    dashboards = {f"dashboards/{name}.json": encode(board) for name, board in DASHBOARDS.items()}
    kustomization = component.kustomization(list(objects), list(dashboards))
    files = {"rules.yaml": plain(groups, runbooks)} | dashboards
    return files | {
        name: _HEAD + _yaml(each) for name, each in (objects | {"kustomization.yaml": kustomization}).items()
    }


def _yaml(content: object) -> str:
    # A round trip: what is used twice would be written as an anchor and its aliases.
    return yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False, width=110, allow_unicode=True)
