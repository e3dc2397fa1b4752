"""What containers take and bear: `python -m benchmarks.containers`; as root, where `make ci-deps` has been.

Builds both images, starts a real S3, and prints sizes, time to the first answer, memory, requests lost while containers
are replaced one after the other, and what happens at the memory limit.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import duckdb
import pytest
import yaml

from benchmarks.assign_at_scale import LINES_PER_CUSTOMER, ORDER_LINES
from segmentation.tables import ORDERS
from tests.containers import rolling
from tests.containers.stage import URL, Stage, ready
from tests.reliability import load
from tests.reliability.twins import bodies, expected
from tests.servers import ceph, images, s3
from tests.servers.images import BASE, Container, Shop
from training.bundle import Bundle

MB = 1_000_000
RESTARTS = 20
IMAGES = ("service", "training")
JOBS = (6_000, 100_000)
"""Customers of the generated shop; 100,000 have 350,000 order lines."""
NO_LIMIT = "8g"
CUSTOMERS = 1_000_000
JOB_LIMITS = ("8g", "1500m", "1g", "700m", "400m", "250m")
SERVICE_LIMITS = ("256m", "224m", "192m", "160m", "80m")
MAPPING = {"table": "orders", "columns": {name: name for name in ORDERS.names if name != "status"}}


class Watched:
    """Memory of a container while it runs."""

    def __init__(self, container: Container) -> None:
        self.held = self.peak = 0
        self._memory = container.memory()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        """What was seen stays."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            try:
                peak, held = self._memory()
            except OSError:
                # It has ended.
                return
            self.peak, self.held = max(self.peak, peak), max(self.held, held)


@contextmanager
def stage() -> Iterator[Stage]:
    """Both images and a store with a bucket."""
    with (
        tempfile.TemporaryDirectory(prefix="images-") as kept,
        images.opened(Path(kept) / "shop") as shop,
        tempfile.TemporaryDirectory(prefix="ceph-") as place,
        pytest.MonkeyPatch.context() as patch,
        ceph.running(Path(place)) as store,
    ):
        names = {name: shop.build(name) for name in IMAGES}
        s3.point_to(patch, store.endpoint, store.access_key, store.secret_key)
        boto3.Session().client("s3").create_bucket(Bucket=s3.BUCKET)
        made = Stage(shop, names["service"], names["training"], store, Path(place) / "keys")
        made.make_keys()
        yield made


def tell_sizes(shop: Shop) -> None:
    base = shop.inspect(BASE)["Size"]
    for name in IMAGES:
        size = shop.inspect(f"localhost/customer-segmentation-{name}:dev")["Size"]
        print(f"image {name:<10} {(size - base) / MB:7.0f} MB over a base of {base / MB:.0f} MB")


def run_job(stage: Stage, name: str, memory: str, *command: str, registry: str = URL, data: Path | None = None) -> str:
    """A line about how it ended and what it took."""
    began = time.monotonic()
    job = stage.start_job(
        name, *command, memory=memory,
        environment={"SEGMENTATION_REGISTRY": registry} | ({"SEGMENTATION_SPILL_DIR": "/data/spill"} if data else {}),
        options=("--volume", f"{data}:/data") if data else (),
    )  # fmt: skip
    watched = Watched(job)
    status = job.wait(900)
    seconds = time.monotonic() - began
    watched.stop()
    said = next((f"; {line}" for line in job.log().splitlines() if line.startswith("error")), "")
    job.remove()
    return (
        f"{name}: exit {status}, {seconds:.1f} s, memory {watched.held / MB:.0f} MB, "
        f"with page cache {watched.peak / MB:.0f} MB{said}"
    )


def tell_start(stage: Stage, live: Bundle) -> None:
    """From `podman run` to the first answer of /predict, five times; memory under load."""
    seconds = []
    requests = bodies(live.card)
    for number in range(5):
        began = time.monotonic()
        with stage.serving(f"start-{number}", ALLOW_ANONYMOUS="true") as service:
            ready(service)
            seconds.append(time.monotonic() - began)
            if number < 4:
                continue
            watched = Watched(service.container)
            with load.running(service.url, requests, expected(requests, live)) as clients:
                time.sleep(15)
            watched.stop()
    told = ", ".join(f"{each:.2f}" for each in sorted(seconds))
    print(f"service, from the start of the container until it is ready: {told} s")
    print(
        f"service, two workers, {clients.total:,} requests of every kind in 15 s, {len(clients.failures)} failed: "
        f"memory {watched.held / MB:.0f} MB, with page cache {watched.peak / MB:.0f} MB"
    )


def tell_rolling(stage: Stage, live: Bundle, restarts: int) -> None:
    requests = bodies(live.card)
    with tempfile.TemporaryDirectory(prefix="rolling-") as folder, rolling.deployed(stage, Path(folder)) as deployment:
        began = time.monotonic()
        with load.running(deployment.url, requests, expected(requests, live)) as clients:
            ended = [deployment.replace(number % 2) for number in range(restarts)]
        seconds = time.monotonic() - began
    print(
        f"{restarts} containers replaced one after the other behind HAProxy in {seconds:.0f} s, "
        f"{ended.count(0)} of them ended with 0: {clients.total:,} requests, {len(clients.failures)} failed, "
        f"{clients.broken} broken connections"
    )
    for failure in clients.failures[:3]:
        print(f"  {failure}")


def tell_job_limits(stage: Stage) -> None:
    """The same table through `assign`, with less and less memory; a kill must leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="job-") as place:
        folder = Path(place)
        folder.chmod(0o777)
        (folder / "spill").mkdir()
        (folder / "spill").chmod(0o777)
        (folder / "orders.yaml").write_text(yaml.safe_dump(MAPPING))
        with duckdb.connect() as database:
            database.execute(ORDER_LINES.format(customers=CUSTOMERS, lines=int(CUSTOMERS * LINES_PER_CUSTOMER)))
            database.execute(f"COPY orders TO '{folder / 'orders.parquet'}'")
        print(
            f"assign, {CUSTOMERS:,} customers, {int(CUSTOMERS * LINES_PER_CUSTOMER):,} order lines, spilling to a disk:"
        )
        for memory in JOB_LIMITS:
            out = folder / f"segments-{memory}.parquet"
            command = ("assign", "--source", "transactions", "--data", "/data/orders.parquet",
                       "--mapping", "/data/orders.yaml", "--out", f"/data/{out.name}")  # fmt: skip
            told = run_job(stage, f"assign-{memory}", memory, *command, data=folder)
            print(f"  {told}; {'the table is there' if out.exists() else 'no table'}")


def tell_service_limits(stage: Stage) -> None:
    """What becomes of a service that gets too little."""
    for memory in SERVICE_LIMITS:
        with stage.serving(f"small-{memory}", memory=memory, ALLOW_ANONYMOUS="true") as service:
            began, asked, ready_ = time.monotonic(), 0, 0
            while time.monotonic() - began < 20 and service.container.state["Running"]:
                asked += 1
                ready_ += service.status("/readyz") == 200
                time.sleep(0.2)
            state = service.container.state
            print(
                f"service, two workers, limit {memory:>4}: ready {ready_ / asked:.0%} of the time, "
                f"{service.container.log().count('SIGKILL')} workers killed, "
                f"{'running after 20 s' if state['Running'] else 'ended with ' + str(state['ExitCode'])}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=RESTARTS)
    restarts = parser.parse_args().restarts
    images.require()
    ceph.require()
    rolling.require()
    with stage() as made:
        tell_sizes(made.shop)
        for customers in JOBS:
            command = ("run", "--set", f"sample.customers={customers}")
            print(run_job(made, f"run-{customers}", NO_LIMIT, *command, registry=f"s3://{s3.BUCKET}/{customers}"))
        live = made.train("live")
        tell_start(made, live)
        tell_rolling(made, live, restarts)
        tell_job_limits(made)
        tell_service_limits(made)


if __name__ == "__main__":
    main()
