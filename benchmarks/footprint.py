"""What the service takes of a pod: seconds from its start to its first answer, and memory of all its processes.

PSS divides what processes share among them, this benchmark's own included, which has the same libraries open: "were it
alone" counts these in full, as a pod of its own would; "of it files" are library files, which the kernel can give up.

`python -m benchmarks.footprint`
"""

import json
import logging
import os
import statistics
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from benchmarks.served import Served, publish, served, small_model
from segmentation.registry import open_registry
from segmentation.registry.signatures import load_signer, load_verifier
from training.job import Result
from training.signing import generate

REQUESTS = 400
STARTS = 5


def main() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    result = small_model()
    print("two workers               first answer       PSS   were it alone   of it files   to be at most")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        registry = open_registry(str(folder / "registry"))
        publish(result, registry)
        report("directory, features", registry.url, folder, features(result), {}, "0.6 s, 120 MB PSS")
        report("directory, raw orders", registry.url, folder, orders(), {}, "")
        keys = generate(folder / "keys")
        with_s3(result, folder, {"PUBLIC_KEY_FILE": str(keys[1])}, str(keys[0]))


def with_s3(result: Result, folder: Path, settings: dict[str, str], private: str) -> None:
    """The same from an S3 endpoint, signed."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        os.environ |= {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        boto3.Session().client("s3").create_bucket(Bucket="models")
        verifier = load_verifier(settings["PUBLIC_KEY_FILE"])
        registry = open_registry("s3://models/registry", signer=load_signer(private), verifier=verifier)
        publish(result, registry)
        report("S3, signed, raw orders", registry.url, folder, orders(), settings, "220 MB PSS")
    finally:
        server.stop()


def report(
    what: str, registry: str, folder: Path, body: Callable[[int], bytes], settings: dict[str, str], budget: str
) -> None:
    """Start it a few times, ask, and print."""
    starts, memory, alone, files = [], [], [], []
    for _ in range(STARTS):
        with served(registry, folder / "log", settings=settings) as service:
            starts.append(service.seconds_to_answer)
            ask(service, body)
            memory.append(service.megabytes())
            alone.append(service.megabytes_alone())
            files.append(service.megabytes_of_files())
    print(
        f"  {what:23} {statistics.median(starts):10.2f} s {statistics.median(memory):6.0f} MB "
        f"{statistics.median(alone):12.0f} MB {statistics.median(files):10.0f} MB   {budget}"
    )


def ask(service: Served, body: Callable[[int], bytes]) -> None:
    """Enough requests for both workers to have answered many."""
    for number in range(REQUESTS):
        request = urllib.request.Request(
            f"http://127.0.0.1:{service.port}/predict", body(number), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()


def features(result: Result) -> Callable[[int], bytes]:
    """Customers as features."""
    customers = result.snapshot.customers
    rows = customers.to_numpy().tolist()
    return lambda number: json.dumps(
        {"features": dict(zip(customers.columns, rows[number % len(rows)], strict=True))}
    ).encode()


def orders() -> Callable[[int], bytes]:
    """Customers as orders."""
    line = {"order_id": "1", "ordered_at": "2025-06-01T10:00:00Z", "category": "books", "unit_price": 9.5}
    return lambda number: json.dumps({"orders": [line | {"quantity": 1 + number % 9}]}).encode()


if __name__ == "__main__":
    main()
