"""What is frozen before anything is sent, and what the analysis must follow."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb
import msgspec

from campaigns.errors import PlanMismatchError
from campaigns.experiment import membership
from campaigns.experiment.description import Experiment
from campaigns.experiment.design import Design
from segmentation.errors import ConfigurationError, MissingTableError

SCHEMA_VERSION = 1
PLAN, MEMBERSHIP = "plan.json", "membership.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where the customers come from.

    Parameters
    ----------
    model_version
        That assigned their segments.
    as_of
        The moment they were looked at from; the covariate is of that moment. ISO 8601, UTC.
    """

    model_version: str
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSegment:
    """A segment of the experiment.

    Parameters
    ----------
    id, name
        As assigned.
    members
        By arm.
    alone
        Whether it is tested on its own.
    """

    id: int
    name: str
    members: dict[str, int]
    alone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of an experiment.

    Parameters
    ----------
    experiment
        As it was described.
    assigned_at
        When it was frozen, ISO 8601, UTC.
    base
        Whose customers they are.
    segments
        Who is in it, and what will be tested.
    smallest_lift
        Relative, that the pooled test finds with the wanted power; None where none is.
    membership
        SHA-256 of the frozen members.
    """

    schema_version: int
    experiment: Experiment
    assigned_at: str
    base: Base
    segments: tuple[PlannedSegment, ...]
    smallest_lift: float | None
    membership: str

    @property
    def members(self) -> int:
        """How many."""
        return sum(sum(segment.members.values()) for segment in self.segments)


class _File(msgspec.Struct):
    sha256: str
    plan: msgspec.Raw


def freeze(
    connection: duckdb.DuckDBPyConnection,
    experiment: Experiment,
    base: Base,
    looked: Design,
    assigned_at: str,
    out: Path,
) -> tuple[Plan, bool]:
    """Write the plan and the membership into a folder of their own, both or none.

    Parameters
    ----------
    connection
        With the table `member` after `randomise`.
    experiment, base
        What is planned, on whom.
    looked
        Says which segments are tested on their own.
    assigned_at
        Now, ISO 8601.
    out
        The folder; where it holds the same plan already, nothing is written.

    Returns
    -------
    tuple of Plan and bool
        The plan, and whether it was written just now.

    Raises
    ------
    PlanMismatchError
        The folder holds another plan: what was frozen stays.
    ConfigurationError
        It cannot be written to, or holds something else.
    """
    names = {row.segment_id: row.segment_name for row in looked.segments}
    segments = tuple(
        PlannedSegment(id=segment, name=names[segment], members=members, alone=segment in looked.alone)
        for segment, members in membership.counts(connection).items()
    )
    unfinished: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(mkdtemp(dir=out.parent, prefix=".writing-"))
        membership.write(connection, unfinished / MEMBERSHIP)
        plan = Plan(
            schema_version=SCHEMA_VERSION,
            experiment=experiment,
            assigned_at=assigned_at,
            base=base,
            segments=segments,
            smallest_lift=looked.pooled.smallest_lift,
            membership=_digest_of(unfinished / MEMBERSHIP),
        )
        if out.exists() and any(out.iterdir()):
            return _same(plan, out), False
        (unfinished / PLAN).write_bytes(_encode(plan))
        unfinished.chmod(0o755)
        unfinished.replace(out)
    except OSError as error:
        raise ConfigurationError(
            f"{out} cannot be written: {error.strerror or error}", hint="give a folder with room"
        ) from error
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
    return plan, True


def read_plan(folder: Path) -> Plan:
    """Read a plan, and see that it and its membership are what was frozen.

    Parameters
    ----------
    folder
        Where `freeze` wrote them.

    Returns
    -------
    Plan
        Unaltered.

    Raises
    ------
    MissingTableError
        A file is not there.
    PlanMismatchError
        A file was altered, or is another one.
    """
    for name in (PLAN, MEMBERSHIP):
        if not (folder / name).is_file():
            raise MissingTableError(
                f"{folder} has no {name}", hint="give the folder that `experiment assign --out` wrote"
            )
    try:
        file = msgspec.json.decode((folder / PLAN).read_bytes(), type=_File)
        content: Any = msgspec.json.decode(file.plan)
        plan = msgspec.convert(content, Plan, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanMismatchError(f"{PLAN} in {folder} is no plan", hint="take the one that assign wrote") from error
    if plan.schema_version != SCHEMA_VERSION:
        raise PlanMismatchError(
            f"{PLAN} is of schema {plan.schema_version}; this release reads {SCHEMA_VERSION}",
            hint="analyse it with the release that assigned it",
        )
    if _digest(content) != file.sha256:
        raise PlanMismatchError(
            f"{PLAN} in {folder} was altered after it was frozen", hint="an analysis follows the plan as it was made"
        )
    if _digest_of(folder / MEMBERSHIP) != plan.membership:
        raise PlanMismatchError(
            f"{MEMBERSHIP} in {folder} is not the one that was planned", hint="take the one that assign wrote"
        )
    return plan


def digest(plan: Plan) -> str:
    """What names a plan in its results.

    Parameters
    ----------
    plan
        The plan.

    Returns
    -------
    str
        SHA-256, as in its file.
    """
    return _digest(msgspec.to_builtins(plan, str_keys=True))


def _same(plan: Plan, out: Path) -> Plan:
    there = read_plan(out)
    if there != replace(plan, assigned_at=there.assigned_at):
        raise PlanMismatchError(
            f"{out} holds the plan of {there.experiment.name!r}, and this is another",
            hint="what was frozen stays: give another folder, and another name for another experiment",
        )
    return there


def _encode(plan: Plan) -> bytes:
    content = {"sha256": digest(plan), "plan": msgspec.to_builtins(plan, str_keys=True)}
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _digest(content: object) -> str:
    # Keys stay in their order: the first arm is the control.
    return sha256(msgspec.json.encode(content)).hexdigest()


def _digest_of(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
