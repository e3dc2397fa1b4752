"""`lists`: files for a CRM, of those who agreed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from campaigns.lists.crm import CRMS
from campaigns.options import ERR, OUT, Example, a_path, assignments_option
from segmentation.settings import load as load_settings

if TYPE_CHECKING:
    from campaigns.cells import Formulas
    from campaigns.lists.choice import Choice
    from campaigns.lists.output import Format


def a_place(_context: click.Context, parameter: click.Parameter, text: str) -> str:
    """A folder or URL; an empty one is a variable that was not set."""
    if not text:
        raise click.BadParameter("it is empty", param=parameter)
    return text


@click.command(
    cls=Example,
    epilog="python -m campaigns lists --assignments segments.parquet --customers customers.csv \\\n"
    "    --consent newsletter --crm hubspot --column mail=email --column given_name=first_name \\\n"
    '    --suppress complaints.txt --hold-out 0.1 --campaign "spring sale" --out lists-spring-sale',
)
@assignments_option
@click.option(
    "--segment", "segments", multiple=True, metavar="SEGMENT", help="Id or name; again for others. Default: all."
)
@click.option(
    "--customers",
    required=True,
    callback=a_path,
    metavar="FILE",
    help="Who agreed: .csv or .parquet, a row per customer.",
)
@click.option("--consent", required=True, metavar="COLUMN", help="Of that file: yes or no; an empty cell is no.")
@click.option(
    "--id", "identity", default="customer_id", show_default=True, metavar="COLUMN", help="Of that file: the ids."
)
@click.option(
    "--suppress",
    multiple=True,
    metavar="FILE",
    help="Ids never to be listed: .txt, one per line, or .csv or .parquet with the column of --id; again for others.",
)
@click.option(
    "--hold-out",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.0,
    show_default=True,
    help="Share of those who could be listed that is not, to be compared with; needs SEGMENTATION_CUSTOMER_KEY_FILE.",
)
@click.option(
    "--campaign", required=True, metavar="NAME", help="Another name holds out others; the same name, the same."
)
@click.option(
    "--column",
    "carried",
    multiple=True,
    metavar="COLUMN[=NAME]",
    help="Of --customers, to be in the lists too, under another name if you like; again for others.",
)
@click.option(
    "--crm",
    type=click.Choice(list(CRMS)),
    help="Names columns as its import does: email, first_name, last_name, phone and so on, and the id.",
)
@click.option(
    "--formulas",
    type=click.Choice(["escape", "keep"]),
    default="escape",
    show_default=True,
    help="Cells of CSV that a spreadsheet would compute: an apostrophe before them, or as they are.",
)
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--out", required=True, callback=a_place, metavar="DIR|URL", help="A new folder, or s3://bucket/prefix.")
def lists(
    assignments: Path,
    segments: tuple[str, ...],
    customers: Path,
    consent: str,
    identity: str,
    suppress: tuple[str, ...],
    hold_out: float,
    campaign: str,
    carried: tuple[str, ...],
    crm: str | None,
    formulas: Formulas,
    kind: Format,
    out: str,
) -> None:
    """Write a list per segment of those who agreed, are not suppressed, and are not held out."""
    from campaigns.assignments import open_assignments
    from campaigns.lists import output
    from campaigns.lists.choice import Wanted, choose
    from campaigns.lists.columns import columns
    from campaigns.lists.places import open_place
    from segmentation import pseudonyms

    if "" in suppress:
        raise click.BadParameter("it is empty", param_hint="--suppress")
    settings = load_settings()
    shown = columns(carried, crm)
    place = open_place(out, settings.spill_dir)
    place.refuse_present()
    keyed = pseudonyms.load(settings.customer_key_file, "hold-outs") if hold_out else None
    files = tuple(Path(file) for file in suppress)
    wanted = Wanted(campaign, segments, customers, identity, consent, files, hold_out, shown)
    with open_assignments(assignments, settings) as table, ERR.status("choosing"):
        choice = choose(table, wanted, keyed)
        escapes = output.write(table, choice, wanted, place, kind, formulas)
    _tell(choice, place.name, addressed=shown.address is not None)
    _warn(choice, escapes)


def _tell(choice: Choice, where: str, *, addressed: bool) -> None:
    kinds = ["no_consent", "suppressed", *(["no_address"] if addressed else []), "held_out", "listed"]
    width = max(len(count.segment_name) for count in choice.counts)
    OUT.print(f"{'segment':<{width + 6}}{'customers':>12}" + "".join(f"{kind.replace('_', ' '):>12}" for kind in kinds))
    for count in choice.counts:
        OUT.print(
            f"{count.segment_id:>4}  {count.segment_name:<{width}}{count.customers:>12,}"
            + "".join(f"{getattr(count, kind):>12,}" for kind in kinds)
        )
    OUT.print(f"\nwritten to {where}")


def _warn(choice: Choice, escapes: int) -> None:
    if choice.unknown:
        ERR.print(f"{choice.unknown:,} customers are not in the customer table: no consent")
    if choice.shared:
        ERR.print(
            f"{choice.shared:,} listed customers share their e-mail address with another customer: one to the CRM"
        )
    if escapes:
        ERR.print(f"{escapes:,} cells are formulas to a spreadsheet: an apostrophe was put before each")
    for name in choice.unused:
        ERR.print(f"nobody of these segments is in {name}: does it hold the same ids?", style="bold")
