"""Rows that take another row to tell: exact duplicates, a customer twice, and what a cancelled line cancels."""

from math import ceil

from ibis.backends.duckdb import Backend

from segmentation.tables import Column
from training.database import first_row
from training.sources.checks import quoted
from training.sources.statement import LINES

AT_ONCE = 25_000_000
"""Hashes compared in one go: about 800 MB of DuckDB's memory."""


def mark_duplicates(database: Backend, columns: tuple[Column, ...], kept: str, code: int) -> None:
    """Mark each kept row that stands in the files before, whole.

    Parameters
    ----------
    database
        Where the lines are.
    columns
        Of the lines.
    kept
        SQL condition for the rows that are looked at.
    code
        What they are marked with.
    """
    rows = first_row(database, f"SELECT count(*) FROM {LINES}")[0]
    parts = max(1, ceil(rows / AT_ONCE))
    database.raw_sql("CREATE OR REPLACE TEMP TABLE repeated (row_hash UBIGINT, first BIGINT)")
    for part in range(parts):
        database.raw_sql(
            f"INSERT INTO repeated SELECT row_hash, min(rowid) FROM {LINES} "
            f"WHERE {kept} AND row_hash % {parts} = {part} GROUP BY row_hash HAVING count(*) > 1"
        )
    # A hash is no proof: what is kept of both rows must be the same too.
    same = " AND ".join(f"later.{quoted(c.name)} IS NOT DISTINCT FROM earlier.{quoted(c.name)}" for c in columns)
    also = kept.replace("rule ", "later.rule ")
    database.raw_sql(
        f"UPDATE {LINES} SET rule = {code} FROM (SELECT later.rowid AS id FROM {LINES} AS later "
        f"JOIN repeated USING (row_hash) JOIN {LINES} AS earlier ON earlier.rowid = repeated.first "
        f"WHERE later.rowid > repeated.first AND {also} AND {same}) AS found WHERE {LINES}.rowid = found.id"
    )


def mark_repeated_customers(database: Backend, kept: str, code: int) -> None:
    """Mark each kept row of a customer table whose customer had a row before.

    Parameters
    ----------
    database, kept, code
        As for `mark_duplicates`.
    """
    database.raw_sql(
        f"UPDATE {LINES} SET rule = {code} FROM (SELECT customer_id, min(rowid) AS first FROM {LINES} WHERE {kept} "
        f"GROUP BY customer_id HAVING count(*) > 1) AS found "
        f"WHERE {LINES}.customer_id = found.customer_id AND {LINES}.rowid > found.first AND {LINES}.{kept}"
    )


def mark_cancelled_originals(database: Backend, kept: str, cancelled: int, code: int) -> None:
    """Mark what each cancelled line takes back: the newest purchase before it that is not taken back yet.

    A purchase belongs to a cancellation of the same customer, product, number of pieces and price. Their sequence is
    read as brackets: a purchase opens one, a cancellation closes the innermost.

    Parameters
    ----------
    database, kept, code
        As for `mark_duplicates`.
    cancelled
        Code of the cancelled lines.
    """
    key = "customer_id, product_id, pieces, unit_price"
    # By content, as far as it goes: which row is taken must not depend on the order of rows in the files.
    order = "ordered_at, sign DESC, order_id, row_hash, id"
    database.raw_sql(
        f"""
        WITH said AS (
            SELECT rowid AS id, customer_id, product_id, abs(coalesce(quantity, 1)) AS pieces,
                abs(unit_price) AS unit_price, ordered_at, order_id, row_hash,
                CASE WHEN rule = {cancelled} THEN -1 ELSE 1 END AS sign
            FROM {LINES}
            WHERE rule = {cancelled} OR ({kept} AND coalesce(quantity, 1) > 0)
        ),
        concerned AS (SELECT * FROM said SEMI JOIN (SELECT * FROM said WHERE sign < 0) AS back USING ({key})),
        depths AS (
            SELECT *, sum(sign) OVER (PARTITION BY {key} ORDER BY {order} ROWS UNBOUNDED PRECEDING)
                + CASE WHEN sign < 0 THEN 1 ELSE 0 END AS depth
            FROM concerned
        ),
        pairs AS (
            SELECT id, sign, lead(sign) OVER (PARTITION BY {key}, depth ORDER BY {order}) AS next FROM depths
        )
        UPDATE {LINES} SET rule = {code} FROM pairs WHERE {LINES}.rowid = pairs.id AND pairs.sign > 0 AND pairs.next < 0
        """
    )
