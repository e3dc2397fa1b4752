"""The customers that may take part, and what is known of each segment before the experiment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from campaigns.assignments import Assignments
from campaigns.errors import ExperimentError
from campaigns.experiment.description import HISTORY, Experiment
from campaigns.experiment.outcomes import read_history, read_ids
from segmentation.errors import BadValueError, ConfigurationError, EmptyTableError, nearest
from segmentation.privacy import SMALLEST_GROUP


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """A segment, as far as an experiment goes.

    Parameters
    ----------
    segment_id, segment_name
        As assigned.
    customers
        That may take part; of them `Experiment.share` will.
    mean, standard_deviation
        Of the metric, without any treatment.
    """

    segment_id: int
    segment_name: str
    customers: int
    mean: float
    standard_deviation: float


def take_in(
    assignments: Assignments, experiment: Experiment, only: Path | None, history: Path | None
) -> tuple[Stratum, ...]:
    """Find who may take part, and what is expected of them.

    Parameters
    ----------
    assignments
        The base; its connection gets the table `member` (customer_id, segment_id, covariate).
    experiment
        Which segments, and which covariate.
    only
        A file of customers; nobody else takes part. None: everybody may.
    history
        A file of the same metric in an earlier period; None: the description says what is expected.

    Returns
    -------
    tuple of Stratum
        By segment id.

    Raises
    ------
    ConfigurationError, SourceError
        Segments, the covariate or what is expected are not to be had.
    ExperimentError
        A segment is too small to take part.
    """
    connection = assignments.connection
    names = dict(
        connection.execute(
            "SELECT segment_id, any_value(segment_name ORDER BY segment_name) FROM assignments GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )
    for segment in experiment.segments:
        if segment not in names:
            raise ConfigurationError(
                f"segments names {segment}, which nobody in {assignments.file.name} is in",
                hint=f"it has {', '.join(map(str, names))}",
            )
    covariate = _covariate_column(assignments, experiment, history)
    conditions = ["true"]
    if experiment.segments:
        conditions.append(f"segment_id IN ({', '.join(map(str, experiment.segments))})")
    if only is not None:
        read_ids(connection, only)
        conditions.append("customer_id IN (SELECT customer_id FROM listed)")
    connection.execute(
        f"CREATE TABLE member AS SELECT customer_id, segment_id, {covariate} AS covariate FROM assignments "
        f"WHERE {' AND '.join(conditions)}"
    )
    if history is not None:
        _join_history(assignments, experiment, history)
    return _strata(assignments, experiment, names, measured=history is not None)


def _covariate_column(assignments: Assignments, experiment: Experiment, history: Path | None) -> str:
    wanted = experiment.analysis.covariate
    if wanted is None or (wanted == HISTORY and history is not None):
        return "CAST(NULL AS DOUBLE)"
    if wanted == HISTORY:
        raise ConfigurationError("the covariate is history, and there is none", hint="give --history")
    if wanted not in assignments.features:
        raise ConfigurationError(
            f"{assignments.file.name} has no feature {wanted!r} for the covariate",
            hint=nearest(wanted, assignments.features)
            if assignments.features
            else "write it with `training assign --with-features`",
        )
    quoted = '"' + wanted.replace('"', '""') + '"'
    (wrong,) = assignments.connection.execute(
        f"SELECT count(*) FILTER (NOT isfinite({quoted})) FROM assignments"
    ).fetchone() or (0,)
    if wrong:
        raise BadValueError(
            f"{assignments.file.name}, column {wanted}: {wrong:,} rows are not finite", hint="assign them anew"
        )
    return quoted


def _join_history(assignments: Assignments, experiment: Experiment, file: Path) -> None:
    """The table `history`, and the covariate where that is the history."""
    connection = assignments.connection
    read_history(connection, file, experiment)
    connection.execute("ALTER TABLE outcome RENAME TO history")
    if experiment.analysis.covariate != HISTORY:
        return
    (lacking,) = connection.execute("SELECT count(*) FROM member ANTI JOIN history USING (customer_id)").fetchone() or (
        0,
    )
    if lacking:
        raise BadValueError(
            f"{file.name} has no row for {lacking:,} customers, and it is the covariate",
            hint="give every customer a row, or choose another covariate",
        )
    connection.execute(
        "UPDATE member SET covariate = history.value FROM history WHERE member.customer_id = history.customer_id"
    )


def _strata(
    assignments: Assignments, experiment: Experiment, names: dict[int, str], *, measured: bool
) -> tuple[Stratum, ...]:
    connection = assignments.connection
    sizes = dict(connection.execute("SELECT segment_id, count(*) FROM member GROUP BY 1 ORDER BY 1").fetchall())
    if not sizes:
        raise EmptyTableError("nobody is left to take part", hint="check segments and --only")
    # As `randomise` cuts them: the smallest arm of the smallest segment must not single anybody out.
    smallest = experiment.share * min(experiment.arms.values())
    for segment, customers in sizes.items():
        if math.floor(customers * smallest) < SMALLEST_GROUP:
            kept = [other for other in sizes if math.floor(sizes[other] * smallest) >= SMALLEST_GROUP]
            raise ExperimentError(
                f"segment {segment} ({names[segment]}) has too few customers: an arm of it would hold fewer than "
                f"{SMALLEST_GROUP}",
                hint=f"leave it out: segments: {kept}" if kept else "test on a larger base",
            )
    values = _measured(assignments) if measured else {}
    return tuple(
        Stratum(
            segment_id=segment,
            segment_name=names[segment],
            customers=customers,
            mean=mean,
            standard_deviation=deviation,
        )
        for segment, customers in sizes.items()
        for mean, deviation in [_expected(experiment, segment, values)]
    )


def _measured(assignments: Assignments) -> dict[int, tuple[float, float]]:
    """Mean and standard deviation of the history by segment, the same to the last bit each time."""
    connection = assignments.connection
    connection.execute("SET threads = 1")
    rows = connection.execute(
        "SELECT segment_id, favg(value), stddev_samp(value) FROM history GROUP BY 1 ORDER BY 1"
    ).fetchall()
    connection.execute("RESET threads")
    return {segment: (mean, deviation or 0.0) for segment, mean, deviation in rows}


def _expected(experiment: Experiment, segment: int, measured: dict[int, tuple[float, float]]) -> tuple[float, float]:
    metric = experiment.metric
    if metric.baseline is None:
        if segment in measured:
            return measured[segment]
        raise ConfigurationError(
            "what is expected without treatment is not known" + (f" for segment {segment}" if measured else ""),
            hint="set metric.baseline, or give the metric of an earlier period: --history",
        )
    mean = _of_segment(metric.baseline, "baseline", segment)
    if metric.kind == "proportion":
        return mean, math.sqrt(mean * (1 - mean))
    if metric.standard_deviation is None:  # description.load lets no such metric through
        raise ConfigurationError("metric.standard_deviation is not set", hint="a mean needs it")
    return mean, _of_segment(metric.standard_deviation, "standard_deviation", segment)


def _of_segment(given: float | dict[int, float], key: str, segment: int) -> float:
    if not isinstance(given, dict):
        return given
    if segment not in given:
        raise ConfigurationError(
            f"metric.{key} lacks segment {segment}", hint="give it for every segment, or one number for all"
        )
    return given[segment]
