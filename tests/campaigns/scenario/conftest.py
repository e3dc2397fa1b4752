"""What the tests of scenarios share: a scenario out of a few lines, bound to the sample model and its customers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from campaigns.assignments import Assignments, open_assignments
from campaigns.scenario import base as bases
from campaigns.scenario import reading
from campaigns.scenario.base import Base
from campaigns.scenario.binding import bind
from campaigns.scenario.bound import Bound
from segmentation.model import Model
from segmentation.opening import proved
from segmentation.registry import Registry
from segmentation.settings import Settings

ORDER = "title: T\nuplift: 0.1\nmargin: 0.4\norder: {}\n"
"""One in ten orders once more, as much as usual."""

Prepared = Callable[[str], tuple[Bound, Base]]


@pytest.fixture(scope="session")
def model(sample_registry: Registry) -> Model:
    return proved(sample_registry, sample_registry.live("production").version)


@pytest.fixture
def table(sample_assignments: Path) -> Iterator[Assignments]:
    with open_assignments(sample_assignments, Settings()) as opened:
        yield opened


@pytest.fixture
def prepared(table: Assignments, model: Model) -> Prepared:
    """A scenario's text, bound and with its customers loaded."""

    def prepare(text: str) -> tuple[Bound, Base]:
        bound = bind(reading.parse(text, "t.yaml"), model.card)
        table.connection.execute("DROP TABLE IF EXISTS contacted")
        return bound, bases.load(table, bound, model.arrays)

    return prepare
