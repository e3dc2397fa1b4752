"""The whole base through a published model: every customer's segment, as a table that CRMs and warehouses read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend
from pyarrow import csv, parquet

from segmentation import assignment
from segmentation.card import Card
from segmentation.errors import ConfigurationError, UnusableDataError
from segmentation.model import Model
from segmentation.scoring import Floats
from training.clock import iso
from training.pseudonyms import Pseudonyms
from training.snapshot import newest
from training.sources import Loaded

ROWS_AT_ONCE = 100_000


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
    _refuse_lacking(loaded, model.card)
    as_of = as_of or newest(loaded)
    names = list(model.card.feature_names)
    schema = _schema(names if with_features else [])
    segments = model.card.all_segments
    counts = np.zeros(len(segments), dtype=np.int64)
    with _writer(out, schema) as write:
        for batch in _features(database, loaded, model, as_of, pseudonyms):
            features = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names])
            _refuse_unknown(features, names)
            scores = assignment.assign(model.card, model.arrays, features)
            counts += np.bincount(scores.segment, minlength=len(segments))
            rows = len(features)
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


def _refuse_lacking(loaded: Loaded, card: Card) -> None:
    hint = "give data like those that the model was trained on, with the same --config, --set and --mapping"
    if loaded.shape.name != card.table:
        raise UnusableDataError(f"the model is made of {card.table}, and these data are {loaded.shape.name}", hint=hint)
    known = {feature.name: feature for feature in loaded.catalogue}
    for name in card.feature_names:
        absent = known[name].needs - loaded.columns if name in known else {name}
        if absent:
            raise UnusableDataError(
                f"the model needs {name}, and the data have no {', '.join(sorted(absent))}", hint=hint
            )


def _refuse_unknown(features: Floats, names: list[str]) -> None:
    lacking = np.isnan(features).sum(axis=0)
    if lacking.any():
        worst = int(lacking.argmax())
        raise UnusableDataError(
            f"{names[worst]} cannot be computed for some customers, and the model has nothing for who lacks it",
            hint=f"give the model missing_values for {names[worst]}, and train it again",
        )


def _features(
    database: Backend, loaded: Loaded, model: Model, as_of: datetime, pseudonyms: Pseudonyms | None
) -> Iterator[pa.RecordBatch]:
    """The SQL that travels with the model, over these rows: what the service would compute for each customer."""
    moment = as_of.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    # Qualified: within the query, the name alone is what the model's SQL reads.
    seen = f"SELECT *, TIMESTAMP '{moment}' AS as_of FROM main.{loaded.table.get_name()}"
    sql = f"WITH {loaded.shape.name} AS ({seen}) SELECT * FROM ({model.sql})"
    if pseudonyms is None:
        yield from database.con.sql(sql).to_arrow_reader(ROWS_AT_ONCE)
        return
    # In another order: that of the ids would tell something of them.
    hidden = f"SELECT {pseudonyms.sql('customer_id')} AS customer_id, * EXCLUDE (customer_id) FROM ({sql})"
    hidden = f"SELECT * FROM ({hidden}) ORDER BY customer_id"
    yield from database.con.sql(hidden, params=pseudonyms.parameters).to_arrow_reader(ROWS_AT_ONCE)


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
    unfinished: Path | None = None
    try:
        with NamedTemporaryFile(dir=out.parent, prefix=".writing-", suffix=out.suffix, delete=False) as file:
            unfinished = Path(file.name)
        with kind(unfinished, schema) as writer:
            yield writer.write_table
        unfinished.chmod(0o644)
        unfinished.replace(out)
    except OSError as error:
        raise ConfigurationError(
            f"{out} cannot be written: {error.strerror or error}", hint="give a file in a folder with room"
        ) from error
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
