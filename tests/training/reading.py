"""Files written short and read by a mapping, for tests of what comes out."""

from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from training import sources
from training.configuration import Configuration
from training.sources import Loaded

ORDERS = """\
table: orders
columns: {customer_id: who, order_id: order, ordered_at: when, product_id: what, quantity: n, unit_price: price}
"""
HEADER = "who,order,when,what,n,price\n"


def read(
    database: Backend,
    folder: Path,
    text: str | bytes,
    mapping: str,
    *,
    name: str = "orders.csv",
    **configuration: Any,
) -> Loaded:
    """Write a file and a mapping, and read them as `--source transactions` or `profiles` does."""
    content = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(content)
    return read_file(database, folder / name, mapping, **configuration)


def read_file(database: Backend, data: Path | str, mapping: str, **configuration: Any) -> Loaded:
    """Read what is there."""
    for table in database.raw_sql("SELECT table_name, table_type FROM information_schema.tables").fetchall():
        database.raw_sql(f"DROP {'VIEW' if table[1] == 'VIEW' else 'TABLE'} {table[0]}")
    file = Path(database.con.sql("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchall()[0][0])
    written = file.parent / "mapping.yaml"
    written.write_text(mapping, encoding="utf-8")
    source = "profiles" if "table: profiles" in mapping else "transactions"
    return sources.load(database, source, str(data), Configuration(**configuration), written)


def rows(loaded: Loaded, *columns: str) -> list[tuple[Any, ...]]:
    """What was kept, ordered."""
    names = columns or tuple(name for name in loaded.shape.names if name in loaded.columns)
    table = loaded.table.select(*names).to_pyarrow().to_pylist()
    return sorted((tuple(row.values()) for row in table), key=str)


def counts(loaded: Loaded) -> dict[str, int]:
    """Rows by cleaning rule, of the rules that found some."""
    return {each.rule: each.rows for each in loaded.cleaning if each.rows}


def example(loaded: Loaded, rule: str) -> str:
    """The place of the first row that a rule found."""
    return next(each.example for each in loaded.cleaning if each.rule == rule)
