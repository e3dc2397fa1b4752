"""`lists`: files for a CRM, of those who agreed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from campaigns.options import ERR, OUT, Example, a_path, assignments_option
from segmentation.settings import load as load_settings

if TYPE_CHECKING:
    from campaigns.lists.choice import Choice
    from campaigns.lists.output import Format


@click.command(
    cls=Example,
    epilog="python -m campaigns lists --assignments segments.parquet --customers customers.csv --consent newsletter\n"
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
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--out", required=True, callback=a_path, metavar="DIR", help="A new folder for the lists.")
def lists(
    assignments: Path,
    segments: tuple[str, ...],
    customers: Path,
    consent: str,
    identity: str,
    suppress: tuple[str, ...],
    hold_out: float,
    campaign: str,
    kind: Format,
    out: Path,
) -> None:
    """Write a list per segment of those who agreed, are not suppressed, and are not held out."""
    from campaigns.assignments import open_assignments
    from campaigns.lists import output
    from campaigns.lists.choice import Wanted, choose
    from segmentation import pseudonyms

    if "" in suppress:
        raise click.BadParameter("it is empty", param_hint="--suppress")
    settings = load_settings()
    output.refuse_present(out)
    keyed = pseudonyms.load(settings.customer_key_file) if hold_out else None
    files = tuple(Path(file) for file in suppress)
    wanted = Wanted(campaign, segments, customers, identity, consent, files, hold_out)
    with open_assignments(assignments, settings) as table, ERR.status("choosing"):
        choice = choose(table, wanted, keyed)
        output.write(table, choice, wanted, out, kind)
    _tell(choice, out)


def _tell(choice: Choice, out: Path) -> None:
    width = max(len(count.segment_name) for count in choice.counts)
    OUT.print(
        f"{'segment':<{width + 6}}"
        + "".join(f"{head:>12}" for head in ("customers", "no consent", "suppressed", "held out", "listed"))
    )
    for count in choice.counts:
        OUT.print(
            f"{count.segment_id:>4}  {count.segment_name:<{width}} {count.customers:>11,} {count.no_consent:>11,} "
            f"{count.suppressed:>11,} {count.held_out:>11,} {count.listed:>11,}"
        )
    OUT.print(f"\nwritten to {out}")
    if choice.unknown:
        ERR.print(f"{choice.unknown:,} customers are not in the customer table: no consent")
    for name in choice.unused:
        ERR.print(f"nobody of these segments is in {name}: does it hold the same ids?", style="bold")
