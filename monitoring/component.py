"""The kustomize component: what is added to the manifests where there is a Prometheus operator and a push gateway."""

from collections.abc import Mapping, Sequence
from typing import Any

SCRAPE_SECONDS = 30
GATEWAY_PORT = 9091
GATEWAY = f"http://prometheus-pushgateway.monitoring:{GATEWAY_PORT}"
"""Where the chart prometheus-pushgateway puts it, in the namespace of the NetworkPolicies."""

_NAME = "app.kubernetes.io/name"
_PART = "app.kubernetes.io/component"
_LABELS = {_NAME: "segmentation"}


def rule(groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rules for the operator.

    Parameters
    ----------
    groups
        As Prometheus reads them.

    Returns
    -------
    dict
        A PrometheusRule.
    """
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "segmentation", "labels": _LABELS},
        "spec": {"groups": list(groups)},
    }


def service_monitor() -> dict[str, Any]:
    """What is scraped: every pod of the service, by itself.

    Returns
    -------
    dict
        A ServiceMonitor.
    """
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "segmentation", "labels": _LABELS},
        "spec": {
            "jobLabel": _NAME,
            "selector": {"matchLabels": _LABELS | {_PART: "metrics"}},
            "endpoints": [
                {"port": "metrics", "path": "/metrics", "interval": f"{SCRAPE_SECONDS}s", "scrapeTimeout": "10s"}
            ],
        },
    }


def network_policy() -> dict[str, Any]:
    """The job may call the push gateway.

    Returns
    -------
    dict
        A NetworkPolicy, beside those of the base.
    """
    gateway = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        "podSelector": {"matchLabels": {_NAME: "prometheus-pushgateway"}},
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "segmentation-push", "labels": _LABELS | {_PART: "training"}},
        "spec": {
            "podSelector": {"matchLabels": _LABELS | {_PART: "training"}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [gateway], "ports": [{"protocol": "TCP", "port": GATEWAY_PORT}]}],
        },
    }


def kustomization(resources: Sequence[str], dashboards: Sequence[str]) -> dict[str, Any]:
    """The component itself.

    Parameters
    ----------
    resources, dashboards
        Its files.

    Returns
    -------
    dict
        A kustomization.
    """
    settings = {
        # An interval of scrapes: no count is missed when a pod begins, takes another model, or stops.
        "SEGMENTATION_SETTLE_SECONDS": str(SCRAPE_SECONDS),
        "SEGMENTATION_DRAIN_SECONDS": str(SCRAPE_SECONDS),
        "SEGMENTATION_PUSHGATEWAY": GATEWAY,
    }
    return {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": list(resources),
        "configMapGenerator": [
            {
                "name": "segmentation-settings",
                "behavior": "merge",
                "literals": [f"{name}={value}" for name, value in settings.items()],
            },
            {
                "name": "segmentation-dashboards",
                "files": list(dashboards),
                "options": {"labels": {"grafana_dashboard": "1"}, "disableNameSuffixHash": True},
            },
        ],
    }
