"""Minutes of load with everything that happens to a service: reloads, slow clients, disconnects, oversized bodies.

`python -m benchmarks.soak --minutes 10`, or `--quick` for some 20 seconds. It measures the peak first, with all of that
going on as well, then keeps to 70 % of it, and exits with 1 if there was any 5xx but a declared 503, growing memory or
descriptors, or an unstable p99.
"""

import argparse
import json
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.served import Served, move, publish, served, small_model
from segmentation import card as cards
from segmentation.registry import Registry, open_registry
from training.job import Result

CONNECTIONS = 12
SHARE_OF_PEAK = 0.7
MOST_BYTES = 1_000_000
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
RESET = b"\1\0\0\0\0\0\0\0"
"""SO_LINGER: on, 0 seconds."""


@dataclass
class Seen:
    """What clients saw, since it was last asked."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    broken: int = 0

    def take(self) -> tuple[Counter[int], list[float], int]:
        """All of it; afterwards there is nothing."""
        with self.lock:
            taken = self.statuses, self.seconds, self.broken
            self.statuses, self.seconds, self.broken = Counter(), [], 0
        return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true", help="four rows of four seconds, and p99 does not decide")
    chosen = parser.parse_args()
    row, rows = (4.0, 4) if chosen.quick else (60.0, max(1, round(chosen.minutes)))
    result = small_model()
    with tempfile.TemporaryDirectory() as name:
        registry = open_registry(str(Path(name, "registry")))
        publish(result, registry)
        other = twin(result, registry)
        settings = {"REQUEST_SECONDS": "5", "MAX_BODY_BYTES": str(MOST_BYTES), "REFRESH_SECONDS": "1"}
        with served(registry.url, Path(name, "log"), settings=settings) as service:
            requests, stop = bodies(result), threading.Event()
            disturbing = disturbances(service, registry, (result.made.card.version, other), stop, row)
            peak = measured_peak(service, requests, 3.0 if chosen.quick else 20.0)
            print(f"peak {peak:,.0f} requests/s over {CONNECTIONS} connections; {SHARE_OF_PEAK:.0%} of it from here on")
            status = soak(service, requests, peak * SHARE_OF_PEAK, row, rows, not chosen.quick)
            end(disturbing, stop)
            sys.exit(status)


def twin(result: Result, registry: Registry) -> str:
    """The same model under another version, to reload."""
    version = "20990101T000000Z-00000000"
    card = cards.decode(result.made.card_content.replace(result.made.card.version.encode(), version.encode()))
    registry.publish(version, cards.encode(card), result.made.files)
    return version


def bodies(result: Result) -> list[bytes]:
    """Mostly one customer by features, some in batches, some by orders."""
    customers = result.snapshot.customers
    rows = [dict(zip(customers.columns, row, strict=True)) for row in customers.to_numpy().tolist()]
    order = {"order_id": "1", "ordered_at": "2025-06-01T10:00:00Z", "category": "books", "unit_price": 9.5}
    made: list[object] = [{"features": row} for row in rows[:190]]
    made += [{"customers": [{"features": row} for row in rows[:100]]}] * 5
    made += [{"orders": [order | {"order_id": str(number)} for number in range(5)]}] * 5
    random.Random(1).shuffle(made)
    contents = [json.dumps(body).encode() for body in made]
    return [HEAD + b"Content-Length: %d\r\n\r\n" % len(content) + content for content in contents]


def measured_peak(service: Served, requests: list[bytes], seconds: float) -> float:
    """Requests a second when every connection asks as soon as it has its answer; the second half counts."""
    seen, stop = Seen(), threading.Event()
    threads = callers(service, requests, seen, stop, None)
    time.sleep(seconds / 2)
    seen.take()
    time.sleep(seconds / 2)
    statuses, _, _ = seen.take()
    end(threads, stop)
    return statuses[200] / (seconds / 2)


def disturbances(
    service: Served, registry: Registry, versions: tuple[str, str], stop: threading.Event, row: float
) -> list[threading.Thread]:
    """Start all that happens to a service beside its load."""
    threads = [threading.Thread(target=each, args=(service, stop), daemon=True) for each in (drip, vanish, overfill)]
    threads.append(threading.Thread(target=reload, args=(registry, versions, stop, row), daemon=True))
    for thread in threads:
        thread.start()
    return threads


def soak(
    service: Served, requests: list[bytes], rate: float, row: float, rows: int, p99_decides: bool
) -> int:  # fmt: skip
    """Load, print a row at a time, and judge."""
    seen, stop = Seen(), threading.Event()
    threads = callers(service, requests, seen, stop, rate)
    print("   time   requests   a second    p50 ms    p99 ms   503   other 5xx   broken   PSS MB   open files")
    told = []
    time.sleep(row / 2)
    seen.take()
    for number in range(1, rows + 1):
        time.sleep(row)
        statuses, seconds, broken = seen.take()
        quantiles = statistics.quantiles(seconds, n=100)
        failed = sum(count for status, count in statuses.items() if status >= 500 and status != 503)
        line = (quantiles[98] * 1e3, failed + broken, service.megabytes(), service.descriptors())
        told.append(line)
        print(
            f"{number * row:6.0f}s {sum(statuses.values()):10,} {len(seconds) / row:10,.0f} {quantiles[49] * 1e3:9.2f} "
            f"{line[0]:9.2f} {statuses[503]:5} {failed:11} {broken:8} {line[2]:8.0f} {line[3]:12}",
            flush=True,
        )
    end(threads, stop)
    return verdict(told, p99_decides)


def verdict(told: list[tuple[float, int, float, int]], p99_decides: bool) -> int:
    """What was wrong, in words; the exit status."""
    p99, failed, memory, files = (list(column) for column in zip(*told, strict=True))
    third = max(1, len(told) // 3)
    wrong = []
    if sum(failed):
        wrong.append(f"{sum(failed)} requests failed")
    if statistics.median(memory[-third:]) > statistics.median(memory[:third]) * 1.1 + 5:
        wrong.append("memory grows")
    if statistics.median(files[-third:]) > statistics.median(files[:third]) + 15:
        wrong.append("open files grow")
    if p99_decides and max(p99) > 3 * statistics.median(p99):
        wrong.append("p99 is not stable")
    print("verdict:", "; ".join(wrong) or "no request failed, nothing grew" + (", p99 stable" if p99_decides else ""))
    return 1 if wrong else 0


def callers(
    service: Served, requests: list[bytes], seen: Seen, stop: threading.Event, rate: float | None
) -> list[threading.Thread]:
    """Start clients on kept connections; with a rate, each by its own timetable, late or not."""

    def run(offset: int) -> None:
        pause = 0.0 if rate is None else CONNECTIONS / rate
        due = time.perf_counter() + pause * offset / CONNECTIONS
        number = offset * 17
        connection = open_connection(service)
        while not stop.is_set():
            if rate is None:
                due = time.perf_counter()
            else:
                time.sleep(max(0.0, due - time.perf_counter()))
            try:
                connection.sendall(requests[number % len(requests)])
                status, closes = read_status(connection)
            except OSError:
                with seen.lock:
                    seen.broken += 1
                connection = open_connection(service)
                continue
            with seen.lock:
                seen.statuses[status] += 1
                # From when it should have been sent: a stall counts for all who waited for its end.
                seen.seconds.append(time.perf_counter() - due)
            if closes:
                connection.close()
                connection = open_connection(service)
            number += 1
            due += pause
        connection.close()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    return threads


def end(threads: list[threading.Thread], stop: threading.Event) -> None:
    """Stop the clients."""
    stop.set()
    for thread in threads:
        thread.join(timeout=20)


def reload(registry: Registry, versions: tuple[str, str], stop: threading.Event, row: float) -> None:
    """Another model every few seconds."""
    number = 0
    while not stop.wait(min(10.0, row / 2)):
        number += 1
        move(registry, versions[number % 2])


def drip(service: Served, stop: threading.Event) -> None:
    """Ten clients that send a byte a tenth of a second, until they are cut off and come again."""
    connections: list[socket.socket] = []
    while not stop.wait(0.1):
        while len(connections) < 10:
            connections.append(open_connection(service))
            connections[-1].sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        for connection in list(connections):
            try:
                connection.sendall(b" ")
            except OSError:
                connection.close()
                connections.remove(connection)
    for connection in connections:
        connection.close()


def vanish(service: Served, stop: threading.Event) -> None:
    """Clients that hang up in the middle, some of them rudely, some before they read the answer."""
    number = 0
    while not stop.wait(0.05):
        number += 1
        with open_connection(service) as connection:
            connection.sendall((HEAD + b"Content-Length: 2\r\n\r\n{}")[: 20 * (number % 8)])
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def overfill(service: Served, stop: threading.Event) -> None:
    """Bodies that are too long: declared, undeclared, and sent whether or not anybody reads."""
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    while not stop.wait(0.5):
        for head, part in ((b"Content-Length: 50000000\r\n\r\n", b" " * 65_536),
                           (b"Transfer-Encoding: chunked\r\n\r\n", chunk)):  # fmt: skip
            with open_connection(service) as connection:
                try:
                    connection.sendall(HEAD + head)
                    for _ in range(64):
                        connection.sendall(part)
                except OSError:
                    # Cut off, as it should be.
                    continue


def open_connection(service: Served) -> socket.socket:
    """A connection to the service."""
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_status(connection: socket.socket) -> tuple[int, bool]:
    """Read an answer: its status, and whether the server closes the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(262_144)
        if not more:
            raise ConnectionResetError
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    lower = head.lower()
    start = lower.index(b"content-length: ") + 16
    missing = int(lower[start:].split(b"\r\n", 1)[0]) - len(body)
    while missing > 0:
        more = connection.recv(262_144)
        if not more:
            raise ConnectionResetError
        missing -= len(more)
    return int(head[9:12]), b"connection: close" in lower


if __name__ == "__main__":
    main()
