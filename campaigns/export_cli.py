"""`export` and `forget`: segments into the warehouse, and customers out of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from campaigns.options import ERR, OUT, Example, a_path, assignments_option, registry_option
from segmentation.settings import load as load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from campaigns.export.generations import Format
    from campaigns.export.outcome import Exported
    from campaigns.export.star import Snapshot
    from segmentation.model import Model
    from segmentation.registry import Registry

WAIT_SECONDS = 60.0

LINES_SHOWN = 12
"""Ways from segment to segment that are printed."""

_WHAT = {
    "written": "written",
    "replaced": "written in place of other assignments of the same model and moment",
    "present": "there already, nothing was done",
}


def to_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say where to, common to both commands."""
    for option in (
        click.option(
            "--wait",
            "wait_seconds",
            type=click.FloatRange(min=0, max=86_400),
            default=WAIT_SECONDS,
            show_default=True,
            help="Seconds that another run at the same place is waited for, before exit code 4.",
        ),
        click.option(
            "--format",
            "kind",
            type=click.Choice(["parquet", "csv"]),
            help="Of files. Default: that of those which are there, or else parquet.",
        ),
        click.option("--schema", metavar="NAME", help="Of the database. Default: segmentation."),
        click.option(
            "--to",
            "address",
            metavar="WHERE",
            help="postgresql://…, redshift://…, redshift-serverless://… (docs/warehouse.md), s3://bucket/prefix, or a "
            "folder. Default: SEGMENTATION_WAREHOUSE, which keeps a password out of the list of processes.",
        ),
    ):
        command = option(command)
    return command


@click.command(
    cls=Example,
    epilog="python -m campaigns export --assignments segments.parquet --registry models --to postgresql://etl@db/shop",
)
@assignments_option
@registry_option
@to_options
def export(
    assignments: Path,
    url: str,
    address: str | None,
    schema: str | None,
    kind: Format | None,
    wait_seconds: float,
) -> None:
    """Write who is in which segment to the warehouse, whole or not at all.

    The same file twice is written once. Who moved since the export before, and why, is told.
    """
    from campaigns.assignments import open_assignments
    from campaigns.export import star
    from campaigns.export.address import refuse_registry, warehouse
    from segmentation import card, clock
    from segmentation.opening import open_signed
    from segmentation.workspace import open_workspace

    settings = load_settings()
    where = settings.warehouse if address is None else address
    refuse_registry(where, url)
    there = warehouse(where, schema, kind, wait_seconds, settings)
    registry, at = open_signed(url, settings), clock.now()
    with open_assignments(assignments, settings) as table, ERR.status("exporting"):
        described = card.decode(registry.read_card(table.model_version))
        snapshot = star.make(table, described, at, partial(_previous, registry))
        with open_workspace(settings) as space:
            done = there.export(snapshot, space.folder)
    _tell(there.shown, snapshot, done)


@click.command(
    cls=Example, epilog="python -m campaigns forget --ids erasure-requests.csv --to postgresql://etl@db/shop"
)
@click.option(
    "--ids",
    required=True,
    callback=a_path,
    metavar="FILE",
    help="Who: .csv or .parquet with a column customer_id, or .txt with one id per line. Never on the command line.",
)
@click.option("--pseudonyms", is_flag=True, help="The warehouse holds keyed hashes: hash these ids first.")
@to_options
def forget(
    ids: Path, pseudonyms: bool, address: str | None, schema: str | None, kind: Format | None, wait_seconds: float
) -> None:
    """Remove customers from the warehouse, with all their history.

    Remove them also from where `training assign` reads: a new file that has them brings them back.
    """
    from campaigns.database import open_database
    from campaigns.export.address import warehouse
    from campaigns.ids import read_ids, write_ids
    from segmentation import pseudonyms as keyed

    settings = load_settings()
    there = warehouse(settings.warehouse if address is None else address, schema, kind, wait_seconds, settings)
    hidden = keyed.load(settings.customer_key_file) if pseudonyms else None
    with open_database(settings) as (connection, folder), ERR.status("forgetting"):
        number = read_ids(connection, ids, "forgotten", hidden, also_as_written=True)
        file = folder / "forgotten.csv"
        write_ids(connection, "forgotten", file)
        gone = there.forget(file)
    told = "all their rows" if gone.rows is None else f"{gone.rows:,} rows"
    OUT.print(f"{there.shown}: {told} of the {number:,} customers in {ids.name} are gone")
    if not gone.reclaimed:
        ERR.print("they can still be read in the table's file: its owner must VACUUM customer_segment", style="bold")
    if gone.rows == 0:
        ERR.print(
            "none of them was there" + ("" if pseudonyms else "; does the warehouse hold --pseudonyms?"), style="bold"
        )


def _previous(registry: Registry, version: str) -> Model | None:
    """The model of the export before; that it cannot be asked costs causes of moves, and no export."""
    from segmentation.errors import ModelError, UnknownVersionError
    from segmentation.opening import proved

    try:
        return proved(registry, version)
    except (UnknownVersionError, ModelError) as error:
        ERR.print(f"the model of the export before, {version}, cannot be asked: {error.message}", style="bold")
        ERR.print("  whoever moved is counted as model changed")
        return None


def _tell(shown: str, snapshot: Snapshot, done: Exported) -> None:
    from segmentation.clock import iso

    OUT.print(f"{shown}")
    OUT.print(f"export    model {snapshot.model_version}, as of {iso(snapshot.as_of)}")
    OUT.print(f"customers {snapshot.customers:,}, {_WHAT[done.what]}")
    if not done.movements:
        OUT.print("movement  none: there is no export before this one")
        return
    total = {"stayed": 0, "moved": 0, "arrived": 0, "left": 0}
    causes = {"customer moved": 0, "model changed": 0}
    for movement in done.movements:
        kind = (
            "arrived" if movement.before is None
            else "left" if movement.after is None
            else "stayed" if movement.before == movement.after
            else "moved"
        )  # fmt: skip
        total[kind] += movement.customers
        if kind == "moved":
            causes[str(movement.cause)] += movement.customers
    OUT.print("movement  " + ", ".join(f"{number:,} {kind}" for kind, number in total.items()))
    if causes["model changed"]:
        OUT.print(f"          of the moved, {causes['model changed']:,} only because the model changed")
    ways: dict[tuple[int | None, int | None], int] = {}
    for one in done.movements:
        if None not in (one.before, one.after) and one.before != one.after:
            ways[one.before, one.after] = ways.get((one.before, one.after), 0) + one.customers
    moves = sorted(ways.items(), key=lambda way: (-way[1], way[0]))
    for (origin, end), customers in moves[:LINES_SHOWN]:
        OUT.print(f"{customers:>9,}  {_name(snapshot, origin)} -> {_name(snapshot, end)}")
    if len(moves) > LINES_SHOWN:
        rest = sum(customers for _, customers in moves[LINES_SHOWN:])
        OUT.print(f"{rest:>9,}  in {len(moves) - LINES_SHOWN} other ways")


def _name(snapshot: Snapshot, identity: int | None) -> str:
    """The present name; a segment that is no longer there is told by its id."""
    return f"{identity} {snapshot.names[identity]}" if identity in snapshot.names else f"{identity}"
