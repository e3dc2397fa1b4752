"""Where the model of the export before would put the same customers: who moved only because the model is another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from segmentation.assignment import assign
from segmentation.errors import BadValueError

if TYPE_CHECKING:
    from campaigns.assignments import Assignments
    from segmentation.model import Model

ROWS_AT_ONCE = 65_536


def rescore(table: Assignments, model: Model | None) -> None:
    """Fill the table `by_previous` with each customer's segment under another model.

    Parameters
    ----------
    table
        With the features that the model needs; without them nothing is filled in.
    model
        The other one; None: nothing is filled in.

    Raises
    ------
    BadValueError
        A feature is no finite number.
    """
    import pyarrow as pa

    connection = table.connection
    connection.execute("DELETE FROM by_previous")
    if model is None or not set(model.card.feature_names) <= set(table.features):
        return
    names = model.card.feature_names
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    ids = np.array([segment.id for segment in model.card.all_segments], dtype=np.int32)
    # A connection can do one thing at a time; its cursors see the same tables.
    with connection.cursor() as reading, connection.cursor() as writing:
        reader = reading.sql(f"SELECT customer_id, {columns} FROM assignments").to_arrow_reader(ROWS_AT_ONCE)
        for batch in reader:
            features = np.column_stack([batch.column(name).to_numpy(zero_copy_only=False) for name in names])
            if not np.isfinite(features).all():
                raise BadValueError(
                    f"{table.file.name} has a feature that is no finite number",
                    hint="write it anew with `training assign --with-features`",
                )
            segment = ids[assign(model.card, model.arrays, features).segment]
            rows = pa.table({"customer": batch.column("customer_id"), "segment": segment})
            writing.register("scored", rows)
            writing.execute("INSERT INTO by_previous SELECT customer, segment FROM scored")
            writing.unregister("scored")
