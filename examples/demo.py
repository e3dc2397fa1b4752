"""`make demo`: train on generated data, publish to a directory, serve, and ask for a prediction."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = "demo-registry"
REQUEST = Path("examples/customer.json")
PATIENCE_SECONDS = 60


def main() -> None:
    """Run the demonstration until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    port = parser.parse_args().port
    os.chdir(ROOT)
    # Like the service's own stop: the server is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    refuse_taken(port)
    say(f"1. Train on a generated shop and publish to {REGISTRY}/", f"python -m training run --registry {REGISTRY}")
    if subprocess.run([sys.executable, "-m", "training", "run", "--registry", REGISTRY], check=False).returncode:
        sys.exit("the training failed; see above")
    command = [
        str(Path(sys.executable).with_name("gunicorn")),
        "-c",
        "service/gunicorn.conf.py",
        "--bind",
        f"127.0.0.1:{port}",
        "service.app:create_app()",
    ]
    shown = command[:]
    shown[0], shown[-1] = "gunicorn", f"'{shown[-1]}'"
    say("2. Serve the model", f"SEGMENTATION_REGISTRY={REGISTRY} {' '.join(shown)}")
    server = subprocess.Popen(command, env=os.environ | {"SEGMENTATION_REGISTRY": REGISTRY})
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(server, url)
        curl = f"curl -s {url}/predict -H 'Content-Type: application/json' -d @{REQUEST}"
        say("3. Ask for the segments of two customers, from their orders", curl)
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{url}/predict", REQUEST.read_bytes(), headers), timeout=10) as answer:
            print(json.dumps(json.load(answer), indent=2))
        print(
            f"\nServing on {url} (try /report, /segments, /algorithms, /k-means/plot, /metrics). Stop with Ctrl-C.",
            flush=True,
        )
        server.wait()
    except KeyboardInterrupt:
        print("\nstopping")
    finally:
        server.terminate()
        server.wait()


def say(title: str, command: str) -> None:
    """Print a step and how to run it by hand."""
    print(f"\n{title}\n   $ {command}\n", flush=True)


def refuse_taken(port: int) -> None:
    """Stop with a clear word if another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(f"port {port} is taken by another program; choose one with `make demo PORT=8081`")


def wait_until_ready(server: "subprocess.Popen[bytes]", url: str) -> None:
    """Ask /readyz until it answers 200."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patience:
        if server.poll() is not None:
            sys.exit("the service stopped; see above")
        try:
            with urlopen(f"{url}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"the service was not ready within {PATIENCE_SECONDS} s")


if __name__ == "__main__":
    main()
