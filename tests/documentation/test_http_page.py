"""docs/http.md: the error that it shows is what the service answers."""

import json
import re

from segmentation.registry import Registry
from segmentation.settings import Settings
from service.app import create_app
from tests.documentation.test_docs import page


def test_the_error_shown_is_the_one_that_comes(published: Registry) -> None:
    """Eight customers; the first one's recency is misspelt, the last one has spent less than nothing."""
    client = create_app(Settings(registry=published.url)).test_client()
    segment = client.get("/segments").get_json()["segments"][0]
    features = {name: quantiles["q50"] for name, quantiles in segment["profile"].items()}
    customers = [{"features": dict(features)} for _ in range(8)]
    customers[0]["features"]["recency_dayz"] = customers[0]["features"].pop("recency_days")
    customers[7]["features"]["monetary"] = -1.0
    answer = client.post("/predict", json={"customers": customers}).get_json()
    block = next(
        block for block in re.findall(r"```json\n(.*?)```", page("docs/http.md"), re.DOTALL) if "recency_dayz" in block
    )
    assert json.loads(block) | {"request_id": ""} == answer | {"request_id": ""}
