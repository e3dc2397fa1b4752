"""The files of lists: a list per segment, those held out, and a summary that names them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from campaigns.cells import escaped, is_formula
from campaigns.lists.places import SUMMARY
from campaigns.tables import quoted
from segmentation.clock import iso
from segmentation.errors import BadValueError
from segmentation.file_names import refuse_name

if TYPE_CHECKING:
    from pathlib import Path

    from campaigns.assignments import Assignments
    from campaigns.cells import Formulas
    from campaigns.lists.choice import Choice, Wanted
    from campaigns.lists.places import Place

Format = Literal["csv", "parquet"]


def write(
    table: Assignments, choice: Choice, wanted: Wanted, place: Place, kind: Format, formulas: Formulas = "escape"
) -> int:
    """Write a file per segment, one of those held out, and what was counted.

    Parameters
    ----------
    table
        Has the table `choice`.
    choice, wanted
        What was decided, and on what.
    place
        Where to.
    kind
        Of the lists.
    formulas
        What becomes of cells of CSV that a spreadsheet would compute.

    Returns
    -------
    int
        Cells that were escaped.

    Raises
    ------
    ConfigurationError, LostRaceError, StoreAccessError, StoreUnavailableError
        It cannot be written.
    BadValueError
        An id is a formula: it cannot be escaped, since nobody would be found by it.
    """
    safe = kind == "csv" and formulas == "escape"
    text = _text_columns(table)
    escapes = _count_formulas(table, text) if safe else 0
    values = {
        wanted.columns.identity: "choice.customer_id",
        **{
            column.header: _cell(f"carried_{number}", text, safe=safe)
            for number, column in enumerate(wanted.columns.carried)
        },
        "segment_id": "choice.segment_id",
        "segment_name": _cell("segment_name", text, safe=safe),
        "model_version": _literal(table.model_version),
        "as_of": _moment(table, kind),
    }
    held = [name for name in values if name not in {column.header for column in wanted.columns.carried}]
    with place.filling() as folder:
        refuse_name(folder)
        lists = []
        for count in choice.counts:
            where = f"choice.outcome = 'listed' AND choice.segment_id = {count.segment_id}"
            file = folder / f"segment-{count.segment_id}.{kind}"
            lists.append(_copy(table, {name: values[name] for name in wanted.columns.headers}, where, file, kind))
        if wanted.hold_out:
            # Ids alone: a list that cannot be written to is not written to by mistake.
            file = folder / f"held-out.{kind}"
            lists.append(_copy(table, {name: values[name] for name in held}, "choice.outcome = 'held_out'", file, kind))
        summary = {
            "campaign": wanted.campaign,
            "model_version": table.model_version,
            "as_of": iso(table.as_of),
            "hold_out": wanted.hold_out,
            "not_in_customer_table": choice.unknown,
            "shared_addresses": choice.shared,
            "escaped_cells": escapes,
            "columns": list(wanted.columns.headers),
            "segments": [asdict(count) for count in choice.counts],
            "files": lists,
        }
        content = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
        (folder / SUMMARY).write_text(content, encoding="utf-8")
    return escapes


def _text_columns(table: Assignments) -> frozenset[str]:
    described = table.connection.execute("DESCRIBE choice").fetchall()
    return frozenset(row[0] for row in described if row[1] == "VARCHAR")


def _count_formulas(table: Assignments, text: frozenset[str]) -> int:
    cells = sorted(name for name in text if name.startswith("carried_") or name == "segment_name")
    counted = " + ".join(f"count(*) FILTER ({is_formula(quoted(cell))})" for cell in cells)
    ids, number = table.connection.execute(
        f"SELECT count(*) FILTER (outcome IN ('listed', 'held_out') AND {is_formula('customer_id')}), "
        f"(SELECT {counted} FROM choice WHERE outcome = 'listed') FROM choice"
    ).fetchone() or (0, 0)
    if ids:
        raise BadValueError(
            f"{ids:,} ids are formulas to a spreadsheet", hint="--formulas keep writes them, if they are right"
        )
    return int(number)


def _cell(name: str, text: frozenset[str], *, safe: bool) -> str:
    return escaped(f"choice.{name}") if safe and name in text else f"choice.{name}"


def _moment(table: Assignments, kind: Format) -> str:
    moment = _literal(iso(table.as_of))
    return moment if kind == "csv" else f"CAST({moment} AS TIMESTAMPTZ)"


def _copy(table: Assignments, values: dict[str, str], where: str, file: Path, kind: Format) -> dict[str, str | int]:
    shown = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
    select = f"SELECT {shown} FROM choice WHERE {where} ORDER BY choice.customer_id"
    # In quotes an id is text to whoever reads it, whatever it begins with.
    text = [row[0] for row in table.connection.execute(f"DESCRIBE {select}").fetchall() if row[1] == "VARCHAR"]
    form = f"FORMAT csv, HEADER, FORCE_QUOTE ({', '.join(map(quoted, text))})" if kind == "csv" else "FORMAT parquet"
    row = table.connection.execute(f"COPY ({select}) TO {_literal(str(file))} ({form})").fetchone()
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"name": file.name, "customers": int(row[0]) if row else 0, "sha256": digest}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
