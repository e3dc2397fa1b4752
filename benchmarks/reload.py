"""Reloads of the service under load: failed requests, answers that mix two models, memory of the workers.

`python -m benchmarks.reload`

Two models that disagree on every customer take turns. Every answer is compared with what the model that it names says.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import click

from segmentation import clock
from segmentation.registry import open_registry
from segmentation.settings import Settings
from tests.conftest import put_live
from tests.quick import QUICK
from tests.reliability import load, scrapes
from tests.reliability.twins import bodies, contrary, expected
from tests.servers import service
from tests.signing_keys import signed
from training import configuration, job, publish


@click.command(help=__doc__)
@click.option("--reloads", default=100, show_default=True, help="How often the alias is moved.")
@click.option("--workers", default=2, show_default=True, help="Processes of gunicorn.")
@click.option("--connections", default=4, show_default=True, help="Clients, each as fast as it is answered.")
@click.option("--refresh-seconds", default=0.2, show_default=True, help="SEGMENTATION_REFRESH_SECONDS.")
@click.option("--unsigned", is_flag=True, help="Without keys.")
def main(reloads: int, workers: int, connections: int, refresh_seconds: float, unsigned: bool) -> None:
    chosen = configuration.load("sample", assignments=[*QUICK, "sample.customers=3000"])
    made = job.make("sample", None, chosen, Settings(), created=clock.now()).made
    twin = contrary(made)
    requests = bodies(made.card)
    answers = expected(requests, made, twin)
    versions = [made.card.version, twin.card.version]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry = open_registry(str(folder / "registry")) if unsigned else signed(name + "/registry", folder / "keys")
        keys = {} if unsigned else {"PUBLIC_KEY_FILE": str(folder / "keys/signing.pub")}
        put_live(registry, twin, "benchmark")
        put_live(registry, made, "benchmark")
        settings = {"REFRESH_SECONDS": str(refresh_seconds), "CACHE_DIR": str(folder / "cache"), **keys}
        running = service.running(registry.url, folder / "log", workers, **settings)
        with running as served, load.running(served.url, requests, answers, connections, pause=0) as sent:
            print(
                f"{reloads} reloads, {workers} workers, {connections} connections, a look every {refresh_seconds:g} s"
            )
            print("reload   answers   failed or mixed   broken connections   memory of each worker, MB")
            taken = []
            for number in range(1, reloads + 1):
                version = versions[number % 2]
                publish.promote(registry, "production", version, "benchmark")
                began = time.perf_counter()
                scrapes.until(scrapes.all_serve(served, version, workers), f"{version} in every worker")
                taken.append(time.perf_counter() - began)
                if number in (1, 10) or number % 10 == 0:
                    megabytes = "  ".join(f"{resident_megabytes(pid):.1f}" for pid in served.workers())
                    print(
                        f"{number:6} {sent.total:9,} {len(sent.failures):17} {sent.broken:20}   {megabytes}", flush=True
                    )
            seconds = f"median {statistics.median(taken):.2f} s, longest {max(taken):.2f} s"
            print(f"from the move until every worker serves it: {seconds}")
    for failure in sent.failures[:10]:
        print(f"  {failure}")
    sys.exit(bool(sent.failures or sent.broken))


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    main()
