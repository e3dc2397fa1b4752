"""Flask's floor: a constant answer to POST /predict, with the service's own access log and nothing else.

`PEER_REGISTRY=… gunicorn benchmarks.peers.floor:app`
"""

import json
import time

from flask import Flask, Response, g, request

from benchmarks.peers.published import load
from service.logs import AccessLog

app = Flask(__name__, static_folder=None)
model = load()
CONSTANT = json.dumps(
    {
        "model_version": model.version,
        "predictions": [
            {
                "customer_id": None,
                "segment": {"id": 0, "name": model.segments[0]},
                "confidence": 0.5123456789012345,
                "distance": 1.2345678901234567,
                "outlier": False,
                "runner_up": {"id": 1, "name": model.segments[1]},
            }
        ],
    }
).encode()


log = AccessLog("INFO", "json")


@app.before_request
def start() -> None:
    g.started = time.perf_counter()


@app.after_request
def write(response: Response) -> Response:
    taken = time.perf_counter() - g.started
    log.write(request.method, str(request.url_rule), response.status_code, taken, len(CONSTANT), "", "")
    return response


@app.post("/predict")
def predict() -> Response:
    return Response(CONSTANT, content_type="application/json")
