"""What people write who want it fast: FastAPI, pydantic, and the folded arrays in numpy.

`PEER_REGISTRY=… uvicorn benchmarks.peers.fast:app`
"""

from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, Field, create_model

from benchmarks.peers.published import load

app = FastAPI()
model = load()
with np.load(model.folder / "scoring.npz") as file:
    arrays = {name: file[name] for name in file.files}


def _type(feature: dict[str, Any]) -> Any:
    number = Annotated[float, Field(ge=feature["low"], le=feature["high"], allow_inf_nan=False)]
    return (number, ...) if feature["fill"] is None else (number | None, ...)


_fields: dict[str, Any] = {feature["name"]: _type(feature) for feature in model.features}
Features = create_model("Features", **_fields)


class Customer(BaseModel):
    """One customer."""

    customer_id: str | int | None = None
    features: Features


class Customers(BaseModel):
    """Many customers."""

    customers: list[Customer]


class Name(BaseModel):
    """A segment."""

    id: int
    name: str


class Prediction(BaseModel):
    """Of one customer."""

    customer_id: str | int | None
    segment: Name
    confidence: float
    distance: float
    runner_up: Name


class Predictions(BaseModel):
    """The answer."""

    model_version: str
    predictions: list[Prediction]


segments = [Name(id=number, name=name) for number, name in enumerate(model.segments)]


@app.post("/predict")
def predict(body: Customer | Customers) -> Predictions:
    customers = body.customers if isinstance(body, Customers) else [body]
    rows = np.array([list(customer.features.__dict__.values()) for customer in customers], dtype=float)
    inside = np.clip(rows, arrays["lower"], arrays["upper"])
    np.log1p(inside, out=inside, where=arrays["log_mask"])
    space = inside @ arrays["matrix"] + arrays["offset"]
    distances = np.linalg.norm(space[:, None, :] - arrays["centroids"], axis=2)
    nearest = np.argsort(distances, axis=1)[:, :2]
    near, far = np.take_along_axis(distances, nearest, axis=1).T
    found = zip(customers, nearest.tolist(), near.tolist(), (1 - near / far).tolist(), strict=True)
    return Predictions(
        model_version=model.version,
        predictions=[
            Prediction(
                customer_id=customer.customer_id,
                segment=segments[first],
                confidence=margin,
                distance=distance,
                runner_up=segments[second],
            )
            for customer, (first, second), distance, margin in found
        ],
    )
