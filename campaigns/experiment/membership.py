"""Who gets what: drawn within each segment by keyed hash, then frozen in a file."""

from __future__ import annotations

import itertools
from pathlib import Path

import duckdb
from pyarrow import RecordBatchReader, parquet

from campaigns.buckets import Buckets
from campaigns.errors import PlanMismatchError
from campaigns.experiment.description import Experiment
from campaigns.tables import read_parquet
from segmentation.errors import MissingTableError
from segmentation.pseudonyms import Pseudonyms

BATCH = 100_000
SALT = "experiment: {}"


def randomise(connection: duckdb.DuckDBPyConnection, experiment: Experiment, keyed: Pseudonyms) -> None:
    """Draw the arms.

    Parameters
    ----------
    connection
        With the table `member` (customer_id, segment_id, covariate) of those who may take part; afterwards it has the
        column `arm` as well, and holds those who do, in the order of their ids.
    experiment
        Arms and their shares, and how much of each segment takes part.
    keyed
        The key of the hash.
    """
    # Ranks and not places themselves: each segment is cut exactly at the shares, even a small one.
    ends = [experiment.share * end for end in itertools.accumulate(experiment.arms.values())]
    ends[-1] = experiment.share
    cases = " ".join(f"WHEN rank < {end!r} THEN '{arm}'" for arm, end in zip(experiment.arms, ends, strict=True))
    buckets = Buckets(keyed, SALT.format(experiment.name))
    connection.execute(
        "CREATE OR REPLACE TABLE member AS "
        f"WITH placed AS (SELECT *, {Buckets.sql('customer_id')} AS place FROM member), ranked AS (SELECT *, "
        "(row_number() OVER (PARTITION BY segment_id ORDER BY place, customer_id) - 0.5::DOUBLE) "
        "/ count(*) OVER (PARTITION BY segment_id) AS rank FROM placed) "
        f"SELECT customer_id, segment_id, CASE {cases} END AS arm, covariate FROM ranked "
        f"WHERE rank < {ends[-1]!r} ORDER BY customer_id",
        buckets.parameters,
    )


def counts(connection: duckdb.DuckDBPyConnection) -> dict[int, dict[str, int]]:
    """Members by segment and arm.

    Parameters
    ----------
    connection
        With the table `member`.

    Returns
    -------
    dict of int to dict of str to int
        In the order of ids and names.
    """
    found: dict[int, dict[str, int]] = {}
    for segment, arm, members in connection.execute(
        "SELECT segment_id, arm, count(*) FROM member GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        found.setdefault(segment, {})[arm] = members
    return found


def write(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Freeze the membership: the same bytes for the same members.

    Parameters
    ----------
    connection
        With the table `member`.
    file
        Parquet: customer_id, segment_id, arm, covariate.
    """
    reader: RecordBatchReader = connection.sql("FROM member").to_arrow_reader(BATCH)
    with parquet.ParquetWriter(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def read(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Read a frozen membership into the table `member`.

    Parameters
    ----------
    connection
        Where to.
    file
        As `write` wrote it; its digest was compared with the plan's.

    Raises
    ------
    MissingTableError
        It is not there.
    PlanMismatchError
        It is not such a file.
    """
    if not file.is_file():
        raise MissingTableError(f"there is no file {file}", hint="it lies beside the plan, where assign wrote both")
    try:
        connection.execute(
            "CREATE OR REPLACE TABLE member AS SELECT customer_id, segment_id, arm, covariate "
            f"FROM {read_parquet(file)} ORDER BY customer_id"
        )
    except duckdb.Error as error:
        raise PlanMismatchError(f"{file.name} is no membership", hint="take the one that assign wrote") from error
