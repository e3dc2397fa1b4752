"""Customers by month, as a shop would ask for them, and what they come to when they are counted offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from segmentation import assignment
from segmentation.drift import Counts, Monitor
from segmentation.model import NEEDED_TO_SERVE, Model, assemble
from segmentation.settings import Settings
from tests.conftest import MADE
from training import configuration, job, sources
from training.bundle import Bundle
from training.database import open_database
from training.snapshot import take

QUICK = ("report=null", "comparison.algorithms=[]", "refits.times=2", "refits.rows=1000")
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class History:
    """A model, and customers as they were in each of the months after it was made, others in each."""

    made: Bundle
    months: tuple[pd.DataFrame, ...]

    @property
    def model(self) -> Model:
        return assemble(self.made.card_content, {name: self.made.files[name] for name in NEEDED_TO_SERVE})


def history(source: str, data: str | None, made_as_of: str, months: int, most: int, *assignments: str) -> History:
    """Train up to a day, and look at some customers at the end of each month after it."""
    chosen = configuration.load(source, assignments=[*QUICK, *assignments])
    origin = datetime.fromisoformat(made_as_of).replace(tzinfo=UTC)
    with open_database(Settings()) as database:
        loaded = sources.load(database, source, data, chosen, None)
        result = job.make_of(database, loaded, chosen, created=MADE, as_of=origin)
        features = result.snapshot.features
        names = [feature.name for feature in features]
        found = []
        for number in range(1, months + 1):
            # What stands for missing values is the model's, as for whoever sends null.
            seen = take(
                database, loaded, features, origin + number * MONTH, missing=result.snapshot.fills, needed=names
            )
            customers = seen.customers[names]
            found.append(customers.iloc[number::months].head(most))
    return History(result.made, tuple(found))


class Counted:
    """What the service must have counted."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.seen: set[str] = set()
        self.rows: list[pd.DataFrame] = []

    def add(self, customers: pd.DataFrame) -> None:
        """Asked for, whether they count or have been counted today."""
        self.rows.append(customers[~customers.index.isin(self.seen)])
        self.seen.update(customers.index)

    @property
    def number(self) -> int:
        return sum(map(len, self.rows))

    def counts(self, since: int = 0) -> dict[str, Counts]:
        """By monitor; of those added since."""
        card = self.model.card
        features = pd.concat(self.rows[since:]).to_numpy(np.float64)
        answer = assignment.assign(card, self.model.arrays, features)
        return {monitor.name: monitor.count(self._values(monitor, features, answer)) for monitor in card.drift.monitors}

    def _values(self, monitor: Monitor, features: Any, answer: assignment.Assignment) -> Any:
        _, _, of = monitor.name.partition(":")
        if monitor.kind == "feature":
            return features[:, self.model.card.feature_names.index(of)]
        if monitor.kind == "segments":
            return answer.segment
        if monitor.kind == "distance_within":
            ids = [str(segment.id) for segment in self.model.card.all_segments]
            return answer.distance[answer.segment == ids.index(of)]
        return answer.residual if monitor.kind == "residual" else answer.distance


def bodies(customers: pd.DataFrame, singles: int) -> Sequence[object]:
    """Some one by one, the others as columns."""
    alone = [
        {"customer_id": customer, "features": row}
        for customer, row in customers.head(singles).to_dict(orient="index").items()
    ]
    rest = customers.iloc[singles:]
    together = {"customer_id": list(rest.index), "columns": rest.to_dict(orient="list")}
    return [*alone, *([together] if len(rest) else [])]
