"""The files that are written: Prometheus's rules, plain and for the Prometheus operator, and Grafana's dashboards."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from monitoring import drift_rules, service_rules
from monitoring.dashboards import DASHBOARDS, encode
from monitoring.rule import Group

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


def plain(groups: tuple[Group, ...]) -> str:
    """Rules as Prometheus reads them.

    Parameters
    ----------
    groups
        The rules.

    Returns
    -------
    str
        YAML.
    """
    return _HEAD + _yaml({"groups": [group.plain() for group in groups]})


def contents() -> Mapping[str, str]:
    """What is written.

    Returns
    -------
    mapping
        Content by path below `FOLDER`.
    """
    groups = rules()
    operator = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "segmentation", "labels": {"app.kubernetes.io/name": "segmentation"}},
        "spec": {"groups": [group.plain() for group in groups]},
    }
    files = {"rules.yaml": plain(groups), "prometheus-rule.yaml": _HEAD + _yaml(operator)}
    names = [f"dashboards/{name}.json" for name in DASHBOARDS]
    files |= dict(zip(names, map(encode, DASHBOARDS.values()), strict=True))
    component = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": ["prometheus-rule.yaml"],
        "configMapGenerator": [
            {
                "name": "segmentation-dashboards",
                "files": names,
                "options": {"labels": {"grafana_dashboard": "1"}, "disableNameSuffixHash": True},
            }
        ],
    }
    return files | {"kustomization.yaml": _HEAD + _yaml(component)}


def _yaml(content: object) -> str:
    # A round trip: what is used twice would be written as an anchor and its aliases.
    return yaml.safe_dump(json.loads(json.dumps(content)), sort_keys=False, width=110, allow_unicode=True)
