"""The whole base through a published model: every customer's segment, as a table that CRMs and warehouses read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend
from pyarrow import csv, parquet

from segmentation import assignment
from segmentation.clock import iso
from segmentation.errors import ConfigurationError, UnusableDataError
from segmentation.model import Model
from segmentation.pseudonyms import Pseudonyms
from segmentation.whole import whole
from training.ask import features, refuse_lacking
from training.snapshot import newest
from training.sources import Loaded


@dataclass(frozen=True, slots=True)
class Assigned:
    """What was written.

    Parameters
    ----------
    as_of
        The moment the customers were looked at from, UTC.
    customers
        By segment id.
    """

    as_of: datetime
    customers: dict[int, int]


def assign(
    database: Backend,
    loaded: Loaded,
    model: Model,
    out: Path,
    *,
    as_of: datetime | None = None,
    with_features: bool = False,
    pseudonyms: Pseudonyms | None = None,
) -> Assigned:
    """Write every customer's segment to a file, a batch at a time.

    Parameters
    ----------
    database
        Where the table is.
    loaded
        A canonical table.
    model
        A model of such a table.
    out
        A .parquet or .csv file; it appears whole or not at all, and replaces what was there.
    as_of
        UTC; None: the newest row in the data, never the clock.
    with_features
        Whether the features are written beside the segment.
    pseudonyms
        What stands for the customers' ids; None: the ids, which the CRM needs.

    Returns
    -------
    Assigned
        Customers by segment.

    Raises
    ------
    ConfigurationError
        The file's ending is neither of the two, or it cannot be written.
    UnusableDataError
        The data lack what the model needs, or hold no row on or before as_of.
    """
    refuse_lacking(loaded, model.card)
    as_of = as_of or newest(loaded)
    names = list(model.card.feature_names)
    schema = _schema(names if with_features else [])
    segments = model.card.all_segments
    counts = np.zeros(len(segments), dtype=np.int64)
    with _writer(out, schema) as write:
        for batch, rows_of_features in features(database, loaded, model, as_of, pseudonyms):
            scores = assignment.assign(model.card, model.arrays, rows_of_features)
            counts += np.bincount(scores.segment, minlength=len(segments))
            rows = batch.num_rows
            columns = {
                "customer_id": batch.column("customer_id"),
                "segment_id": pa.array(np.array([segment.id for segment in segments])[scores.segment]),
                "segment_name": pa.array(np.array([segment.name for segment in segments])[scores.segment]),
                "confidence": pa.array(scores.margin, mask=np.isnan(scores.margin)),
                "model_version": pa.repeat(model.version, rows),
                "as_of": pa.repeat(pa.scalar(as_of, schema.field("as_of").type), rows),
            }
            if with_features:
                columns |= {name: batch.column(name) for name in names}
            write(pa.table(columns).cast(schema))
        if not counts.sum():
            raise UnusableDataError(
                f"the data hold no {loaded.shape.name[:-1]} on or before {iso(as_of)}",
                hint="choose a later --as-of, or check the files",
            )
    return Assigned(as_of, {segment.id: int(count) for segment, count in zip(segments, counts, strict=True)})


def _schema(features: list[str]) -> pa.Schema:
    return pa.schema(
        [
            ("customer_id", pa.string()),
            ("segment_id", pa.int32()),
            ("segment_name", pa.string()),
            ("confidence", pa.float64()),
            ("model_version", pa.string()),
            ("as_of", pa.timestamp("us", tz="UTC")),
            *((name, pa.float64()) for name in features),
        ]
    )


@contextmanager
def _writer(out: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """A file that takes the place of `out` when all is written, and is gone if anything fails."""
    kinds = {".parquet": parquet.ParquetWriter, ".csv": csv.CSVWriter}
    kind = kinds.get(out.suffix.lower())
    if kind is None:
        raise ConfigurationError(f"{out.name} is neither .parquet nor .csv", hint="name the file by what it should be")
    with whole(out) as unfinished, kind(unfinished, schema) as writer:
        yield writer.write_table
