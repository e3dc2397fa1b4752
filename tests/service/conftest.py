"""A client of the service with the sample model live."""

from io import BytesIO

import joblib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sklearn.pipeline import Pipeline

from segmentation import scoring
from segmentation.model import ARRAYS, PIPELINE
from segmentation.registry import Registry
from segmentation.scoring import Arrays
from segmentation.settings import Settings
from service.app import create_app
from training.job import Result


@pytest.fixture
def app(published: Registry) -> Flask:
    return create_app(Settings(registry=published.url, max_customers=1500, max_orders=5000, max_body_bytes=2_000_000))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def features(sample_result: Result) -> dict[str, float]:
    """A valid customer: the median of each feature."""
    customers = sample_result.snapshot.customers
    return {name: float(customers[name].median()) for name in customers.columns}


@pytest.fixture
def order() -> dict[str, object]:
    """A valid order line."""
    return {
        "order_id": "1",
        "ordered_at": "2025-06-01T10:00:00Z",
        "category": "books",
        "quantity": 2,
        "unit_price": 9.5,
    }


@pytest.fixture(scope="session")
def arrays(sample_result: Result) -> Arrays:
    return scoring.from_bytes(sample_result.made.files[ARRAYS])


@pytest.fixture(scope="session")
def pipeline(sample_result: Result) -> Pipeline:
    """What scikit-learn itself says."""
    return joblib.load(BytesIO(sample_result.made.files[PIPELINE]))
