"""Planted groups of customers, and a model of them made as `run` makes it after the one before."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from segmentation.model import NEEDED_TO_SERVE, Model, assemble
from segmentation.settings import Settings
from tests.conftest import MADE
from tests.quick import QUICK
from training import configuration, job
from training.heritage import Heritage

Ints = npt.NDArray[np.int64]

PLAIN = (
    *QUICK,
    "clustering.n_init=3",
    "preprocessing={winsorise: null, scale: false, variance_kept: null}",
)
NUMBERS = ("visits", "spend", "age_of_account")

CENTRES = [(0.0, 0.0, 0.0), (12.0, 0.0, 0.0), (0.0, 12.0, 0.0), (0.0, 0.0, 12.0)]
SIZES = [400, 300, 200, 100]


def people(
    centres: Sequence[tuple[float, ...]], sizes: Sequence[int], seed: int, spread: float = 1.0
) -> tuple[pd.DataFrame, Ints]:
    """A customer table with normal groups around centres; and the group of each customer."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.asarray(centres, dtype=np.float64)[group] + rng.normal(0, spread, (len(group), len(centres[0])))
    order = rng.permutation(len(group))
    frame = pd.DataFrame(rows[order].round(4), columns=list(NUMBERS[: rows.shape[1]]))
    frame.insert(0, "id", [f"customer-{number:06d}" for number in range(len(frame))])
    return frame, group[order]


def mapping(frame: pd.DataFrame) -> str:
    """How a customer table reads."""
    numbers = ", ".join(f"{name}: {name}" for name in frame.columns if name != "id")
    return f"table: profiles\ncolumns: {{customer_id: id}}\nnumbers: {{{numbers}}}\n"


def train(
    folder: Path, frame: pd.DataFrame, k: int, handed: Heritage, *settings: str, seed: int = 0
) -> tuple[job.Result, Heritage]:
    """A model of a customer table after the one handed down; and what it hands down itself."""
    data, reading = folder / "people.csv", folder / "people.yaml"
    frame.to_csv(data, index=False)
    reading.write_text(mapping(frame))
    chosen = configuration.load("profiles", None, [*PLAIN, f"clustering.k={k}", f"seed={seed}", *settings])
    made = MADE + timedelta(days=handed.sequence)
    result = job.make("profiles", str(data), chosen, Settings(), created=made, mapping=reading, handed=handed)
    return result, after(result, handed)


def after(result: job.Result, handed: Heritage) -> Heritage:
    """What a registry hands down once this model is live."""
    return Heritage(loaded(result), max(handed.next_id, result.made.card.next_id), sequence=handed.sequence + 1)


def loaded(result: job.Result) -> Model:
    """The model as it is loaded from a registry."""
    made = result.made
    return assemble(made.card_content, {name: made.files[name] for name in NEEDED_TO_SERVE})


def ids_by_group(result: job.Result, group: Ints) -> dict[int, int]:
    """The id that most customers of each planted group have."""
    ids = np.array([segment.id for segment in result.made.card.segments])[result.fitted.labels]
    return {int(each): int(np.bincount(ids[group == each]).argmax()) for each in np.unique(group)}
