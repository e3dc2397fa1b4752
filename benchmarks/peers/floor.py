"""Flask's floor: a constant answer to POST /predict, with the service's own access log and nothing else.

`PEER_REGISTRY=… gunicorn benchmarks.peers.floor:app`
"""

import json

from flask import Flask, Response

from benchmarks.peers.published import load

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


@app.post("/predict")
def predict() -> Response:
    return Response(CONSTANT, content_type="application/json")
