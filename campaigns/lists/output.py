"""The files of lists: a folder that appears whole, or not at all."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

from segmentation.clock import iso
from segmentation.errors import ConfigurationError

if TYPE_CHECKING:
    from campaigns.assignments import Assignments
    from campaigns.lists.choice import Choice, Wanted

Format = Literal["csv", "parquet"]

_FORMS = {"csv": "FORMAT csv, HEADER, FORCE_QUOTE (customer_id, segment_name)", "parquet": "FORMAT parquet"}


def refuse_present(out: Path) -> None:
    """Refuse a folder that has something in it, before any work is done.

    Parameters
    ----------
    out
        Where lists shall be.

    Raises
    ------
    ConfigurationError
        It is there, or the folder around it is not.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out} is there already", hint="give a new folder: lists are never written over")
    if not out.absolute().parent.is_dir():
        raise ConfigurationError(f"there is no folder {out.parent}", hint="make it, or give another --out")


def write(table: Assignments, choice: Choice, wanted: Wanted, out: Path, kind: Format) -> None:
    """Write a file per segment, one of those held out, and what was counted.

    Parameters
    ----------
    table
        Has the table `choice`.
    choice, wanted
        What was decided, and on what.
    out
        A new folder.
    kind
        Of the lists.

    Raises
    ------
    ConfigurationError
        It cannot be written.
    """
    refuse_present(out)
    folder = None
    try:
        folder = Path(mkdtemp(dir=out.absolute().parent, prefix=".writing-"))
        for count in choice.counts:
            where = f"outcome = 'listed' AND segment_id = {count.segment_id}"
            _copy(table, where, folder / f"segment-{count.segment_id}.{kind}", kind)
        if wanted.hold_out:
            _copy(table, "outcome = 'held_out'", folder / f"held-out.{kind}", kind)
        summary = {
            "campaign": wanted.campaign,
            "model_version": table.model_version,
            "as_of": iso(table.as_of),
            "hold_out": wanted.hold_out,
            "not_in_customer_table": choice.unknown,
            "segments": [asdict(count) for count in choice.counts],
        }
        text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
        (folder / "summary.json").write_text(text, encoding="utf-8")
        folder.chmod(0o755)
        folder.rename(out)
    except OSError as error:
        raise ConfigurationError(
            f"{out} cannot be written: {error.strerror or error}", hint="give a new folder in one with room"
        ) from error
    finally:
        if folder is not None and folder.exists():
            shutil.rmtree(folder)


def _copy(table: Assignments, where: str, file: Path, kind: Format) -> None:
    target = "'" + str(file).replace("'", "''") + "'"
    table.connection.execute(
        f"COPY (SELECT customer_id, segment_id, segment_name FROM choice WHERE {where} ORDER BY customer_id) "
        f"TO {target} ({_FORMS[kind]})"
    )
