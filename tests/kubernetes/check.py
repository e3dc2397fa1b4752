"""Checks of what schemas do not know; each gives the faults that it finds, in words."""

from collections.abc import Callable

from tests.kubernetes.objects import Manifests

Check = Callable[[Manifests], list[str]]

CHECKS: dict[str, Check] = {}
"""By name."""


def check(function: Check) -> Check:
    """Register a check; its name is the function's."""
    CHECKS[function.__name__] = function
    return function
