"""All checks: whoever takes them from here has all of them."""

from tests.kubernetes import job_checks, network_checks, pod_checks, service_checks
from tests.kubernetes.check import CHECKS

ROOMS = (job_checks, network_checks, pod_checks, service_checks)

__all__ = ["CHECKS", "ROOMS"]
