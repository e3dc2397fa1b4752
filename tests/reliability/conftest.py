"""A small model that is trained once."""

import pytest

from segmentation.settings import Settings
from tests.conftest import MADE
from tests.quick import QUICK
from training import configuration, job
from training.bundle import Bundle


@pytest.fixture(scope="session")
def made() -> Bundle:
    wanted = configuration.load("sample", assignments=[*QUICK, "sample.customers=1000"])
    return job.make("sample", None, wanted, Settings(), created=MADE).made
