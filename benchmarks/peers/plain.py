"""What people write: Flask, the body into a pandas DataFrame, the scikit-learn Pipeline, jsonify.

`PEER_REGISTRY=… gunicorn benchmarks.peers.plain:app`
"""

import joblib
import numpy as np
import pandas as pd
from flask import Flask, Response, jsonify, request

from benchmarks.peers.published import load
from benchmarks.raw_orders import plain_features

app = Flask(__name__, static_folder=None)
model = load()
pipeline = joblib.load(model.folder / "model.pkl")
fills = {feature["name"]: feature["fill"] for feature in model.features if feature["fill"] is not None}


@app.post("/predict")
def predict() -> Response:
    body = request.get_json()
    if "columns" in body:
        frame, ids = pd.DataFrame(body["columns"]), body["customer_id"]
    else:
        customers = body.get("customers", [body])
        ids = [customer.get("customer_id") for customer in customers]
        if "orders" in customers[0]:
            frame = plain_features(customers)
        else:
            frame = pd.DataFrame([customer["features"] for customer in customers])
    frame = frame[model.names].fillna(fills)
    distances = pipeline.transform(frame)
    nearest = np.argsort(distances, axis=1)[:, :2]
    near, far = np.take_along_axis(distances, nearest, axis=1).T
    rows = zip(ids, nearest.tolist(), near.tolist(), (1 - near / far).tolist(), strict=True)
    return jsonify(
        model_version=model.version,
        predictions=[
            {
                "customer_id": customer,
                "segment": {"id": first, "name": model.segments[first]},
                "confidence": margin,
                "distance": distance,
                "runner_up": {"id": second, "name": model.segments[second]},
            }
            for customer, (first, second), distance, margin in rows
        ],
    )
