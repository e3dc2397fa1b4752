"""What a request takes of memory it gives back: a leak of some bytes a call is some megabytes a minute under load."""

import gc
import sys
from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient

Json = dict[str, Any]

ROUNDS = 150
SPANS = 4


@pytest.mark.parametrize("body", ["one", "many", "columns", "orders", "wrong"])
def test_an_answer_leaves_nothing_behind(client: FlaskClient, features: Json, order: Json, body: str) -> None:
    content = {
        "one": {"features": features},
        "many": {"customers": [{"features": features}] * 3},
        "columns": {"columns": {name: [value] * 3 for name, value in features.items()}},
        "orders": {"orders": [order]},
        "wrong": {"features": {}},
    }[body]
    blocks = []
    for _ in range(SPANS + 1):
        for _ in range(ROUNDS):
            client.post("/predict", json=content)
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    # What is made once stays, so that one span or another may grow; what leaks grows in all of them.
    assert min(after - before for before, after in pairwise(blocks)) < ROUNDS / 2
