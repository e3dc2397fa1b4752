"""POST /predict beside its peers: one server on one core, wrk on the other, all in one run.

`python -m benchmarks.serving [--quick]`; needs wrk. FastAPI and MLServer join where they are installed: FastAPI beside
us (`pip install -r benchmarks/requirements.txt`), MLServer where `--mlserver` or PATH has it.
"""

import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click

from benchmarks import load, stages
from benchmarks.measure import ROOT
from segmentation import clock
from segmentation.registry import open_registry
from segmentation.settings import Settings
from tests.servers.service import free_port
from training import configuration, job
from training.sources import sample

CUSTOMERS = 10_000
DISTINCT = 2_000
GUNICORN = ("-m", "gunicorn", "--workers", "1", "--threads", "4", "--worker-class", "gthread", "--keep-alive", "75")
UNTRIED = float("nan")


@dataclass(frozen=True)
class Peer:
    """A server, and the bodies it understands, by kind."""

    name: str
    command: tuple[str, ...]
    ready: str
    bodies: Mapping[str, Path]
    path: str = "/predict"
    environment: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


KINDS = {
    "one": "one customer, 1 connection",
    "four": "one customer, 4 connections",
    "orders": "one customer with raw orders",
    "records": f"{CUSTOMERS:,} customers as records",
    "columns": f"{CUSTOMERS:,} customers as columns",
}


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Interleaved; the median counts.")
@click.option("--seconds", default=4, show_default=True, help="Of load per server, kind of request and round.")
@click.option("--quick", is_flag=True, help="One second each, and not FastAPI or MLServer: under a minute.")
@click.option("--mlserver", default=shutil.which("mlserver") or "", help="The command, if it is to be measured too.")
def main(rounds: int, seconds: int, quick: bool, mlserver: str) -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    ours, others = load.cores()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        bodies = _prepare(folder)
        peers = _peers(folder, bodies, "" if quick else mlserver, fast=not quick)
        urls = {
            peer.name: stack.enter_context(
                load.server(peer.command, peer.ready, folder / f"{number}.log", peer.environment, ours)
            )
            for number, peer in enumerate(peers)
        }
        for peer in peers:
            for first in peer.bodies.values():
                load.ask(urls[peer.name] + peer.path, first, peer.key)
        found: dict[tuple[str, str], list[load.Rate]] = {}
        for _ in range(2 if quick else rounds):
            for kind in KINDS:
                for peer in peers:
                    body = peer.bodies.get("one" if kind == "four" else kind)
                    if body is not None:
                        rate = load.press(
                            urls[peer.name] + peer.path, body, _seconds(kind, seconds, quick=quick), others,
                            connections=4 if kind == "four" else 1, key=peer.key, script=folder / "load.lua",
                        )  # fmt: skip
                        found.setdefault((kind, peer.name), []).append(rate)
        stages.report(str(folder / "registry"), bodies["one"].read_bytes())
    _print(found, [peer.name for peer in peers])


def _seconds(kind: str, seconds: int, *, quick: bool) -> int:
    # A slow peer takes half a second over one large request.
    return seconds if not quick else 2 if kind in ("records", "columns") else 1


def _prepare(folder: Path) -> dict[str, Path]:
    """Train and publish a model, and write the bodies of its own customers."""
    chosen = configuration.load(
        "sample",
        assignments=[f"sample.customers={DISTINCT}", "report=null", "comparison.algorithms=[]", "refits.times=2"],
    )
    result = job.make("sample", None, chosen, Settings(), created=clock.now())
    job.release(result, open_registry(str(folder / "registry")), "production")
    features = result.snapshot.customers
    rows = [
        {str(name): float(value) for name, value in row.items()}
        for row in features.to_dict(orient="records")
    ] * (CUSTOMERS // DISTINCT)  # fmt: skip
    ids = [f"customer-{number}" for number in range(CUSTOMERS)]
    customers = [{"customer_id": customer, "features": row} for customer, row in zip(ids, rows, strict=True)]
    frame = sample.generate(DISTINCT, chosen.sample.seed)
    lines = frame[frame["customer_id"] == frame["customer_id"].iloc[0]].drop(columns="customer_id")
    contents = {
        "one": customers[0],
        "orders": {"customer_id": ids[0], "orders": json.loads(lines.to_json(orient="records", date_format="iso"))},
        "records": {"customers": customers},
        "columns": {"columns": {name: [row[name] for row in rows] for name in rows[0]}, "customer_id": ids},
        "v2": _tensor(rows[:1]),
        "v2 records": _tensor(rows),
    }
    paths = {kind: folder / f"{kind}.json" for kind in contents}
    for kind, content in contents.items():
        paths[kind].write_text(json.dumps(content))
    return paths


def _tensor(rows: list[dict[str, float]]) -> object:
    """The body of the Open Inference Protocol."""
    shape = [len(rows), len(rows[0])]
    values = [value for row in rows for value in row.values()]
    return {"inputs": [{"name": "customers", "shape": shape, "datatype": "FP64", "data": values}]}


def _peers(folder: Path, bodies: Mapping[str, Path], mlserver: str, *, fast: bool) -> list[Peer]:
    python, registry = sys.executable, str(folder / "registry")
    bind = ("--bind", "127.0.0.1:{port}")
    known = {kind: bodies[kind] for kind in ("one", "orders", "records", "columns")}
    peer = {"PEER_REGISTRY": registry}
    keys = folder / "keys.json"
    key = subprocess.run(
        [python, "-m", "service", "keys", "new", "--name", "load", "--scope", "predict", "--file", str(keys)],
        check=True, capture_output=True, text=True, cwd=ROOT,
    ).stdout.split()[-1]  # fmt: skip
    settings = {
        "SEGMENTATION_REGISTRY": registry,
        "SEGMENTATION_API_KEYS_FILE": str(keys),
        "SEGMENTATION_MAX_CUSTOMERS": str(CUSTOMERS),
        "WEB_CONCURRENCY": "1",
    }
    peers = [
        Peer("bare Flask", (python, *GUNICORN, *bind, "benchmarks.peers.floor:app"), "/", {"one": bodies["one"]},
             environment=peer),
        Peer("ours", (python, "-m", "gunicorn", "-c", "service/gunicorn.conf.py", *bind, "service.app:create_app()"),
             "/readyz", known, environment=settings, key=key),
        Peer("Flask + pandas + scikit-learn", (python, *GUNICORN, *bind, "benchmarks.peers.plain:app"), "/", known,
             environment=peer),
    ]  # fmt: skip
    if fast and importlib.util.find_spec("fastapi") and importlib.util.find_spec("uvicorn"):
        command = (python, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log",
                   "--workers", "1", "benchmarks.peers.fast:app")  # fmt: skip
        understood = {kind: bodies[kind] for kind in ("one", "records")}
        peers.append(Peer("FastAPI + pydantic + numpy", command, "/docs", understood, environment=peer))
    if mlserver:
        peers.append(_mlserver(folder, registry, bodies, mlserver))
    return peers


def _mlserver(folder: Path, registry: str, bodies: Mapping[str, Path], command: str) -> Peer:
    """MLServer with our model.pkl, unchanged; it answers with the number of the segment alone."""
    model = folder / "mlserver"
    model.mkdir()
    version = max(Path(registry, "models").iterdir())
    described = {
        "name": "segments",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(version / "model.pkl")},
    }
    (model / "model-settings.json").write_text(json.dumps(described))
    (model / "settings.json").write_text('{"host": "127.0.0.1", "parallel_workers": 0}')
    start = (
        f"MLSERVER_HTTP_PORT={{port}} MLSERVER_GRPC_PORT={free_port()} MLSERVER_METRICS_PORT={free_port()} "
        f'exec "{command}" start "{model}"'
    )
    return Peer(
        "MLServer, the same model.pkl", ("sh", "-c", start), "/v2/models/segments/ready",
        {"one": bodies["v2"], "records": bodies["v2 records"]}, path="/v2/models/segments/infer",
    )  # fmt: skip


def _print(found: Mapping[tuple[str, str], list[load.Rate]], names: list[str]) -> None:
    print("one worker on one core (gunicorn: 4 threads; OMP and OpenBLAS: 1 thread), wrk on another; medians")
    for kind, words in KINDS.items():
        print(f"{words}\n{'':34}requests/s      p50 ms      p99 ms   ours is")
        us = _median(found[kind, "ours"])
        for name in names:
            if (kind, name) in found:
                rate = _median(found[kind, name])
                print(f"  {name:30} {rate.per_second:11.1f} {rate.p50:11.3f} {rate.p99:11.3f}"
                      f"   {us.per_second / rate.per_second:.2f}x, p99 {us.p99 / rate.p99:.2f}x")  # fmt: skip


def _median(rates: list[load.Rate]) -> load.Rate:
    return load.Rate(
        *(statistics.median(getattr(rate, part) for rate in rates) for part in ("per_second", "p50", "p99"))
    )


if __name__ == "__main__":
    main()
