"""A whole base into the warehouse: time and memory of `export`, as its command line runs it.

`python -m benchmarks.export [--customers 3000000]`: a PostgreSQL of its own in a temporary folder with the defaults of
Debian's package; a first export, the same once more, a month later with every tenth customer in another segment and
everybody with another confidence, the same month by another model, which the model before is asked about, an erasure of
1,000 customers; then the same as files, in a folder and, where Ceph is installed, in S3. Peak of the process,
DuckDB limited to 500 MB.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
import duckdb

from segmentation import card as cards
from segmentation import clock
from segmentation.registry import open_registry
from segmentation.settings import Settings
from tests.quick import QUICK
from tests.servers import ceph, postgres
from training import configuration, job

ROWS = """
COPY (
    SELECT
        'customer-' || lpad(CAST(number AS VARCHAR), 9, '0') AS customer_id,
        segment.id AS segment_id,
        segment.name AS segment_name,
        (hash(number + 1000000007 * {turn}) % 1000000) / 1000000 AS confidence,
        '{version}' AS model_version,
        TIMESTAMPTZ '{as_of}' AS as_of,
        {features}
    FROM range({first}, {first} + {customers}) numbers(number)
    JOIN segments segment
        ON segment.place = hash(number + CASE WHEN number % 10 = 0 THEN {turn} ELSE 0 END) % {segments}
) TO '{file}' (FORMAT parquet)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=3_000_000)
    customers = parser.parse_args().customers
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cards = [train(folder / "models", segments) for segments in (5, 4)]
        months = ((cards[0], "2026-01-01 00:00Z"), (cards[0], "2026-02-01 00:00Z"), (cards[1], "2026-02-01 00:00Z"))
        files = [folder / f"{number}.parquet" for number in range(len(months))]
        for file, (card, as_of) in zip(files, months, strict=True):
            write(file, card, as_of, customers, turn=int(as_of > months[0][1]))
        ids = folder / "ids.txt"
        ids.write_text("".join(f"customer-{number:09}\n" for number in range(0, customers, max(1, customers // 1000))))
        with postgres.running() as server:
            print(f"{customers:,} customers, PostgreSQL")
            measure(folder, server.url(), files, ids)
        print(f"{customers:,} customers, Parquet files")
        measure(folder, str(folder / "files"), files, ids)
        if all(map(shutil.which, ceph.PROGRAMS)):
            with ceph.running(folder / "ceph") as server:
                point_to(server)
                print(f"{customers:,} customers, Parquet files in S3")
                measure(folder, "s3://segments/files", files, ids)


def point_to(server: ceph.Ceph) -> None:
    """Let the AWS variables lead to a server, with a bucket in it."""
    os.environ |= {
        "AWS_ENDPOINT_URL": server.endpoint, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }  # fmt: skip
    boto3.Session().client("s3").create_bucket(Bucket="segments")


def train(models: Path, segments: int) -> cards.Card:
    """A small model of the generated shop."""
    chosen = configuration.load("sample", assignments=[*QUICK, "sample.customers=2000", f"clustering.k={segments}"])
    result = job.make("sample", None, chosen, Settings(), created=clock.now())
    registry = open_registry(str(models))
    registry.publish(result.made.card.version, result.made.card_content, result.made.files)
    return cards.decode(result.made.card_content)


def write(file: Path, card: cards.Card, as_of: str, customers: int, turn: int) -> None:
    """Assignments with features, as many as a model has; who is where has nothing to do with them."""
    features = ", ".join(
        f'(hash(number + {at}) % 100000) / 1000 AS "{name}"' for at, name in enumerate(card.feature_names)
    )
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE segments (place INTEGER, id INTEGER, name VARCHAR)")
        rows = [(at, segment.id, segment.name) for at, segment in enumerate(card.all_segments)]
        connection.executemany("INSERT INTO segments VALUES (?, ?, ?)", rows)
        connection.execute(
            ROWS.format(
                version=card.version, as_of=as_of, customers=customers, file=file, turn=turn, features=features,
                first=turn * customers // 100, segments=len(card.all_segments),
            )
        )  # fmt: skip


def measure(folder: Path, to: str, files: list[Path], ids: Path) -> None:
    """Run the commands, and print what each took."""
    registry = ["--registry", str(folder / "models")]
    for what, arguments in (
        ("first export", ["export", "--assignments", str(files[0]), *registry]),
        ("the same again", ["export", "--assignments", str(files[0]), *registry]),
        ("a month later", ["export", "--assignments", str(files[1]), *registry]),
        ("another model", ["export", "--assignments", str(files[2]), *registry]),
        ("forget 1,000", ["forget", "--ids", str(ids)]),
    ):
        started = time.perf_counter()
        environment = os.environ | {"SEGMENTATION_MEMORY_LIMIT": "500MB"}
        with (folder / "said.txt").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "campaigns", *arguments, "--to", to], stdout=output, stderr=output,
                env=environment,
            )  # fmt: skip
            peak = _peak_megabytes(process)
        seconds, said = time.perf_counter() - started, (folder / "said.txt").read_text()
        if process.returncode:
            raise SystemExit(f"{what}: {said}")
        told = next((line for line in said.splitlines() if line.startswith("movement  ")), "")
        print(f"  {what:15} {seconds:6.1f} s {peak:6.0f} MB peak  {told[10:]}")


def _peak_megabytes(process: "subprocess.Popen[bytes]") -> float:
    """Peak resident memory of a process that is waited for; as the kernel tells until it ends."""
    peak = 0.0
    while process.poll() is None:
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
            peak = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
        time.sleep(0.02)
    return peak


if __name__ == "__main__":
    main()
