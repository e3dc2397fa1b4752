"""`python -m campaigns simulate`: what a promotion would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from campaigns.options import ERR, OUT, Example, a_path, assignments_option, registry_option
from segmentation.errors import ConfigurationError
from segmentation.settings import load as load_settings

if TYPE_CHECKING:
    from pathlib import Path

RESULTS, PAGE = "scenario.json", "scenario.html"

EXAMPLE = """python -m training assign --registry models --out segments.parquet --with-features
python -m campaigns simulate --assignments segments.parquet --registry models --scenario make-good --out make-good
python -m campaigns simulate --assignments segments.parquet --registry models --scenario spring.yaml --out spring \\
    --draws 2000 --customers-out spring-first.csv"""


@click.command(cls=Example, epilog=EXAMPLE)
@assignments_option
@registry_option
@click.option(
    "--scenario",
    required=True,
    metavar="FILE|PRESET",
    help="YAML, see docs/scenarios.md; or a preset: promotion, recommendation, urgent-offer, make-good.",
)
@click.option("--out", required=True, callback=a_path, metavar="DIR", help="The folder for JSON, page and pictures.")
@click.option("--draws", type=click.IntRange(100, 100_000), default=500, show_default=True, help="How many.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of all that is drawn.")
@click.option(
    "--customers-out",
    callback=a_path,
    metavar="FILE",
    help="Whom to contact first, .parquet or .csv: the one output that holds ids of customers.",
)
def simulate(
    assignments: Path, url: str, scenario: str, out: Path, draws: int, seed: int, customers_out: Path | None
) -> None:
    """Simulate a promotion: who would move between segments, what it earns and costs, what that hangs on, whom first.

    Everything follows from the assumptions in the scenario; nothing is learnt from customers. The same customers,
    model, scenario, draws and seed give the same bytes.
    """
    from campaigns.scenario.reading import load
    from segmentation.opening import open_signed
    from segmentation.whole import refuse_input, require_folder, write_all

    settings = load_settings()
    source = load(scenario)
    if customers_out is not None and customers_out.suffix.lower() not in {".parquet", ".csv"}:
        raise ConfigurationError(
            f"{customers_out.name} is neither .parquet nor .csv", hint="name the file by what it should be"
        )
    if customers_out is not None:
        refuse_input(customers_out, [assignments])
    # A wrong folder should not cost a simulation.
    require_folder(out)
    if customers_out is not None:
        require_folder(customers_out.parent)
    with ERR.status("simulating"):
        from campaigns.page import render
        from campaigns.scenario import drawings, pages, run
        from campaigns.scenario.results import to_json
        from campaigns.scenario.summary import print_result

        registry = open_signed(url, settings)
        result = run.run(source, assignments, registry, settings, draws=draws, seed=seed, customers_out=customers_out)
        pictures = drawings.pictures(result)
        files = {f"{picture.name}.png": picture.png for picture in pictures}
        files[PAGE] = render(pages.page(result, pictures)).encode()
        files[RESULTS] = to_json(result)
        write_all(out, files)
    print_result(OUT, result)
    OUT.print(f"\nwritten to {out / PAGE} and {out / RESULTS}")
    if customers_out is not None:
        OUT.print(f"whom to contact first: {customers_out}, which holds ids of customers")
