"""Any table that a mapping describes, to its canonical table: read, cleaned by named rules, every row accounted for."""

from __future__ import annotations

from collections.abc import Mapping as ByName
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
from ibis.backends.duckdb import Backend

from segmentation.errors import BadValueError, DuplicateRowError, EmptyTableError, SourceError, UnreadableFileError
from segmentation.features import EVENT_FEATURES, ORDER_FEATURES, Feature, number
from segmentation.tables import EVENT_TYPES, Interval
from training import cleaning, progress
from training.database import first_row
from training.sources import currencies, line_ends, locations, places, repeats, statement
from training.sources.checks import literal, quoted
from training.sources.headers import Source, examine, unlike
from training.sources.loaded import Action, Cleaned, Loaded, TableRead
from training.sources.mapping import AMOUNT, Mapping
from training.sources.places import Rejected
from training.sources.statement import LINES

OF_FILES = ("truncated_last_line", "malformed_row")
"""Rules about records that are no rows: they are found by reading, not by a condition."""


@dataclass(frozen=True, slots=True)
class _Read:
    """Files as they were read: by number, each with its first row in the table of lines."""

    sources: tuple[Source, ...]
    skipped: tuple[Rejected, ...]
    first: dict[int, int]
    rows: dict[int, int]


def load(
    database: Backend,
    source: str,
    data: str,
    mapping: Mapping,
    scratch: Path,
    *,
    chosen: ByName[str, Action],
    asked: tuple[str, ...] = (),
) -> Loaded:
    """Read files into a canonical table as a mapping says.

    Parameters
    ----------
    database
        Where the table is made.
    source
        Its name.
    data
        A file, a folder or a glob, local or s3://.
    mapping
        How it reads.
    scratch
        A folder for downloads and copies.
    chosen
        What the configuration says happens by cleaning rule.
    asked
        Features that the configuration names: personal columns are used only if they are among them.

    Returns
    -------
    Loaded
        The rows that no rule dropped.

    Raises
    ------
    SourceError
        Whatever is wrong with the files, and where.
    """
    done = cleaning.actions(mapping.table, chosen)
    ignored = tuple(name for name in mapping.numbers if mapping.number(name).personal and name not in asked)
    used = _without(mapping, ignored)
    paths = [
        path if locations.is_parquet(path) else locations.utf8(path, mapping.file.encoding, scratch)
        for path in locations.files(data, mapping.files, scratch)
    ]
    sources = tuple(examine(database, path, used) for path in paths)
    if len({frozenset(source.theirs) for source in sources}) > 1:
        raise _differing(sources)
    read = _read(database, sources, used, done)
    with progress.step("cleaning", database.con):
        cleaned = _clean(database, read, used, done)
    rules = cleaning.rules_of(mapping.table)
    kept = cleaning.kept_sql(rules, done)
    read_over = f"({kept} OR rule = {cleaning.code(rules, 'mixed_currency')})"
    _make_table(database, used, kept)
    return Loaded(
        source=source,
        shape=used.shape,
        table=database.table(mapping.table),
        columns=frozenset(_filled(used, sources[0])),
        catalogue=_catalogue(used),
        read=tuple(_table_read(number, read) for number in range(len(sources))),
        cleaning=cleaned,
        lost=_lost(database, kept),
        notes=(*_notes(database, used), *map(str, currencies.mixtures(database, used, read_over))),
        ignored=ignored,
    )


def _notes(database: Backend, mapping: Mapping) -> tuple[str, ...]:
    """Words of the files that the mapping does not know, and of the mapping that are not in the files."""
    notes = []
    if mapping.table == "events":
        found = database.raw_sql(
            f"SELECT event_type, count(*) FROM {LINES} WHERE event_type IS NOT NULL GROUP BY ALL "
            "ORDER BY count(*) DESC, event_type LIMIT 20"
        ).fetchall()
        told = [f"{name} {rows:,}{'' if name in EVENT_TYPES else ' (not interpreted)'}" for name, rows in found]
        notes.append(f"event types: {', '.join(told)}")
    for code in mapping.not_products:
        test = (
            f"starts_with(product_id, {literal(code[:-1])})" if code.endswith("*") else f"product_id = {literal(code)}"
        )
        if not first_row(database, f"SELECT count(*) FROM {LINES} WHERE {test}")[0]:
            notes.append(f"not_products: no row has the product {code!r}")
    if (
        mapping.cancelled.status
        and not first_row(database, f"SELECT count(*) FROM {LINES} WHERE status = 'cancelled'")[0]
    ):
        notes.append(f"cancelled.status: no row has {' or '.join(map(repr, mapping.cancelled.status))}")
    return tuple(notes)


def _without(mapping: Mapping, ignored: tuple[str, ...]) -> Mapping:
    return replace(mapping, numbers={name: n for name, n in mapping.numbers.items() if name not in ignored})


def _differing(sources: tuple[Source, ...]) -> SourceError:
    first = sources[0]
    other = next(source for source in sources if set(source.theirs) != set(first.theirs))
    apart = sorted(set(first.theirs) ^ set(other.theirs))
    return SourceError(
        f"{first.path.name} and {other.path.name} have not the same columns: only one has {', '.join(apart)}",
        hint="give them one by one, or name in the mapping what both have",
    )


def _read(database: Backend, sources: tuple[Source, ...], mapping: Mapping, done: ByName[str, Action]) -> _Read:
    database.raw_sql(statement.create(mapping))
    skipped: list[Rejected] = []
    first: dict[int, int] = {}
    rows: dict[int, int] = {}
    total, compared = 0, unlike(sources)
    for position, source in enumerate(sources):
        database.raw_sql(f"SET TimeZone = '{mapping.file.timezone}'")
        try:
            with progress.step(f"reading {source.path.name}", database.con):
                inserted = database.raw_sql(statement.insert(position, source, mapping, done, compared)).fetchall()[0][
                    0
                ]
        except duckdb.Error as error:
            if (refused := _unreadable(source.path, error)) is None:
                raise
            raise refused from error
        finally:
            database.raw_sql("SET TimeZone = 'UTC'")
        skipped.append(places.rejected(database, source, mapping.file.separator, inserted))
        first[position], rows[position] = total, inserted
        total += inserted
        if inserted == 0 and not skipped[-1].numbers:
            raise EmptyTableError(f"{source.path.name} has a header and no rows", hint="export it again")
    return _Read(sources, tuple(skipped), first, rows)


def _unreadable(path: Path, error: duckdb.Error) -> UnreadableFileError | None:
    """What an error of DuckDB says of the file that it read; None where it is about the work database."""
    said = str(error)
    if isinstance(error, duckdb.IOException) and ("GZIP" in said or str(path) in said):
        return UnreadableFileError(f"{path.name} is damaged", hint="export or copy it again")
    # The last two are what it says where its own disk is full.
    own = duckdb.OutOfMemoryException | duckdb.IOException | duckdb.TransactionException | duckdb.FatalException
    if isinstance(error, own):
        return None
    if locations.is_parquet(path):
        return UnreadableFileError(
            f"{path.name} cannot be read as a table ({type(error).__name__})", hint="export or copy it again"
        )
    return line_ends.mixed(path) or UnreadableFileError(
        f"{path.name} cannot be read as a table ({type(error).__name__})",
        hint="check the encoding, separator and date_format of the mapping",
    )


def _clean(database: Backend, read: _Read, mapping: Mapping, done: ByName[str, Action]) -> tuple[Cleaned, ...]:
    rules = cleaning.rules_of(mapping.table)
    kept = cleaning.kept_sql(rules, done)
    of_files = _refuse_rejected(read, mapping, done)
    for name in ("unreadable_value", "out_of_range"):
        if done[name] == "refuse":
            _refuse_first(database, read, mapping, cleaning.code(rules, name))
    currencies.mark(database, mapping, kept, cleaning.code(rules, "mixed_currency"))
    # A cancellation that stands twice takes back one purchase.
    marked = kept
    if mapping.table == "orders":
        marked = f"({kept} OR rule = {cleaning.code(rules, 'cancelled_line')})"
    repeats.mark_duplicates(database, statement.columns(mapping), marked, cleaning.code(rules, "exact_duplicate"))
    if mapping.table == "profiles":
        repeats.mark_repeated_customers(database, kept, cleaning.code(rules, "repeated_customer"))
    cancelled = mapping.cancelled
    if cancelled.order_id_prefix or cancelled.negative_quantity:
        repeats.mark_cancelled_originals(
            database, kept, cleaning.code(rules, "cancelled_line"), cleaning.code(rules, "cancelled_original")
        )
    found = {
        code: (count, first)
        for code, count, first in database.raw_sql(
            f"SELECT rule, count(*), min(rowid) FROM {LINES} GROUP BY rule"
        ).fetchall()
    }
    cleaned = []
    for code, rule in enumerate(rules, start=1):
        count, first = found.get(code, (0, 0))
        example = _place(read, mapping, first) if count else ""
        if rule.name in of_files:
            count, example = of_files[rule.name]
        if count and done[rule.name] == "refuse":
            if rule.name == "mixed_currency":
                raise currencies.refusal(database, mapping, f"({kept} OR rule = {code})", count, example)
            raise _refusal(rule, count, example)
        cleaned.append(Cleaned(rule.name, count, done[rule.name] == "drop", example))
    return tuple(cleaned)


def _refusal(rule: cleaning.Rule, count: int, example: str) -> SourceError:
    kind = DuplicateRowError if rule.name in ("exact_duplicate", "repeated_customer") else BadValueError
    return kind(
        f"{example}: {rule.help} ({rule.name}, {count:,} row{'s' if count > 1 else ''})",
        hint=f"mend the file, or set cleaning.{rule.name} to drop",
    )


def _refuse_rejected(read: _Read, mapping: Mapping, done: ByName[str, Action]) -> dict[str, tuple[int, str]]:
    """What the rules about records that are no rows found: how many, and the place of the first."""
    found = {}
    for rule in cleaning.rules_of(mapping.table):
        if rule.name in OF_FILES:
            count, example = found[rule.name] = _rejected(read, mapping, rule.name)
            if count and done[rule.name] == "refuse":
                raise _refusal(rule, count, example)
    return found


def _rejected(read: _Read, mapping: Mapping, rule: str) -> tuple[int, str]:
    """How many records a file-level rule is about, and where the first stands."""
    count, example = 0, ""
    for source, skipped in zip(read.sources, read.skipped, strict=True):
        cut = skipped.numbers[-1:] if skipped.truncated else ()
        numbers = cut if rule == "truncated_last_line" else skipped.numbers[: len(skipped.numbers) - len(cut)]
        if numbers and not example:
            example = places.place_of_record(source, mapping.file.separator, numbers[0])
        count += len(numbers)
    return count, example


def _refuse_first(database: Backend, read: _Read, mapping: Mapping, code: int) -> None:
    count, first = first_row(database, f"SELECT count(*), min(rowid) FROM {LINES} WHERE rule = {code}")
    if count:
        position = _file_of(read, first)
        places.refuse_value(
            database, read.sources[position], mapping, first - read.first[position], read.skipped[position], count
        )


def _file_of(read: _Read, row: int) -> int:
    return max(position for position, first in read.first.items() if first <= row and read.rows[position])


def _place(read: _Read, mapping: Mapping, row: int) -> str:
    position = _file_of(read, row)
    return places.place(
        read.sources[position], mapping.file.separator, row - read.first[position], read.skipped[position]
    )


def _make_table(database: Backend, mapping: Mapping, kept: str) -> None:
    columns = {column.name: quoted(column.name) for column in mapping.shape.columns}
    if AMOUNT not in mapping.columns:
        database.raw_sql(
            f"CREATE VIEW {mapping.table} AS SELECT {', '.join(columns.values())} FROM {LINES} WHERE {kept}"
        )
        return
    # What lines cost adds up to what the order cost, to the last decimal; a price per piece is rounded.
    columns["payment_value"] = "TRY_CAST(paid.whole AS DECIMAL(18, 4)) AS payment_value"
    database.raw_sql(
        f"CREATE TABLE {mapping.table} AS SELECT {', '.join(columns.values())} FROM {LINES} JOIN ("
        f"SELECT customer_id, order_id, sum({AMOUNT}) AS whole FROM {LINES} WHERE {kept} GROUP BY ALL) AS paid "
        f"USING (customer_id, order_id) WHERE {kept}"
    )


def _filled(mapping: Mapping, source: Source) -> set[str]:
    made = {"order_id"} if mapping.table == "orders" else set()
    if AMOUNT in mapping.columns:
        made |= {"unit_price", "payment_value"}
    # A line that does not say otherwise is one piece; where a payment says what the order cost, no price is needed.
    if mapping.table == "orders" and not {"unit_price", AMOUNT, "payment_value"}.isdisjoint(source.theirs):
        made |= {"unit_price", "quantity"}
    return {*source.theirs, *made} - {AMOUNT}


def _catalogue(mapping: Mapping) -> tuple[Feature, ...]:
    if mapping.table == "orders":
        return ORDER_FEATURES
    if mapping.table == "events":
        return EVENT_FEATURES
    declared = {name: mapping.number(name) for name in mapping.numbers}
    return tuple(
        number(
            name,
            given.unit,
            transform=given.transform,
            winsorised=given.winsorised,
            valid=Interval(0) if given.transform == "log1p" else None,
        )
        for name, given in declared.items()
    )


def _table_read(position: int, read: _Read) -> TableRead:
    source = read.sources[position]
    return TableRead(
        file=source.path.name,
        rows=read.rows[position] + len(read.skipped[position].numbers),
        columns=tuple(ours if ours == theirs else f"{ours} from {theirs}" for ours, theirs in source.theirs.items()),
        not_used=source.not_used,
    )


def _lost(database: Backend, kept: str) -> int:
    found = first_row(
        database,
        f"SELECT count(*) FROM (SELECT DISTINCT customer_id FROM {LINES} WHERE NOT {kept} AND customer_id IS NOT NULL) "
        f"AS gone WHERE NOT EXISTS (SELECT 1 FROM {LINES} WHERE {kept} AND {LINES}.customer_id = gone.customer_id)",
    )
    return int(found[0])
