"""The CronJob: its schedule, which failures are tried again, and how long Jobs stay."""

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError

from segmentation.errors import SegmentationError, StoreUnavailableError
from tests.kubernetes.check import check
from tests.kubernetes.objects import Manifests, quantity

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
DEFECT = 1


def exit_statuses() -> set[int]:
    """All that the error tree has."""
    kinds = [SegmentationError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return {kind.exit_status for kind in kinds}


@check
def schedule(manifests: Manifests) -> list[str]:
    """Cron can read it, in a time zone that there is; runs do not overlap; a late one is still started."""
    spec = manifests.one("CronJob", "segmentation-training")["spec"]
    faults = []
    if "timeZone" not in spec or spec["timeZone"] not in available_timezones():
        faults.append(f"there is no time zone {spec.get('timeZone')}")
    if "TZ=" in spec["schedule"]:
        faults.append("the time zone does not belong into the schedule")
    if spec.get("concurrencyPolicy") != "Forbid":
        faults.append("two runs may be at work at once")
    if spec.get("startingDeadlineSeconds", 0) < 60:
        faults.append("a run is left out where the controller is late")
    if spec.get("suspend"):
        faults.append("it is suspended")
    try:
        gap = longest_gap(spec["schedule"])
    except (CronSimError, StopIteration) as error:
        return [*faults, f"cron cannot read {spec['schedule']!r}: {error}"]
    job = spec["jobTemplate"]["spec"]
    if not gap < timedelta(seconds=job.get("ttlSecondsAfterFinished", 0)):
        faults.append(f"a failed Job is gone before the next run, {gap.days} days later, and its alert with it")
    if not 0 < job.get("activeDeadlineSeconds", 0) < gap.total_seconds():
        faults.append("a run may last until the next")
    return faults


def longest_gap(expression: str) -> timedelta:
    """The longest time between two runs, in two years."""
    moments = CronSim(expression, BEGINNING)
    found, last = timedelta(), next(moments)
    while last < BEGINNING + timedelta(days=730):
        following = next(moments)
        found, last = max(found, following - last), following
    return found


@check
def failures(manifests: Manifests) -> list[str]:
    """Disruptions do not count, a store that did not answer is tried again, and what cannot go better is not."""
    job = manifests.one("CronJob", "segmentation-training")["spec"]["jobTemplate"]["spec"]
    rules = job.get("podFailurePolicy", {}).get("rules", [])
    by_action = {
        rule["action"]: (rule["onExitCodes"]["operator"], set(rule["onExitCodes"]["values"]))
        for rule in rules
        if rule.get("onExitCodes", {}).get("containerName") == "training"
    }
    again = StoreUnavailableError.exit_status
    expected = {"FailJob": ("In", exit_statuses() - {DEFECT, again}), "Count": ("In", {again})}
    faults = [] if by_action == expected else [f"exit codes are {by_action}, the error tree says {expected}"]
    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    # Rules are asked in their order: a pod that is evicted may well exit with one of these codes.
    faults += [] if rules[:1] == [disrupted] else ["disruptions count as attempts"]
    pod = job["template"]["spec"]
    faults += ["restartPolicy is not Never: exit codes are not looked at"] * (pod.get("restartPolicy") != "Never")
    faults += ["an outage of the store is not waited for"] * (job.get("backoffLimit", 0) < 3)
    return faults


@check
def memory(manifests: Manifests) -> list[str]:
    """DuckDB is given what the pod requests, a size that it can read, and at most half of the limit."""
    container = manifests.pod("CronJob", "segmentation-training").containers[0]
    amounts = container["resources"]
    given = manifests.environment(container).get("SEGMENTATION_MEMORY_LIMIT", "")
    if not given.endswith("MiB"):
        return [f"SEGMENTATION_MEMORY_LIMIT is {given!r}, which is no size"]
    requested, limit = (quantity(amounts[which]["memory"]) for which in ("requests", "limits"))
    faults = [] if quantity(given.removesuffix("B")) == requested else [f"DuckDB gets {given}, not what is requested"]
    return faults + [f"DuckDB gets {given} of a limit of {limit / 2**20:g} MiB"] * (requested > limit / 2)
