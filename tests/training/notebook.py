"""What a data scientist brings from a notebook: tables, Pipelines fitted on them, and the files these are dumped to."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from training.importing.described import Described
from training.importing.folding import Folded, fold
from training.importing.reading import described

COLUMNS = ["Annual Income (k$)", "Spending Score (1-100)"]
RENAMED = (f"{COLUMNS[0]}=annual_income", f"{COLUMNS[1]}=spending_score")


def mall(seed: int = 0, each: int = 40) -> pd.DataFrame:
    """Customers of a mall in five groups, with the columns of the well-known list."""
    rng = np.random.default_rng(seed)
    centres = np.array([[26.0, 20.0], [26.0, 79.0], [55.0, 50.0], [86.0, 82.0], [88.0, 17.0]])
    rows = np.repeat(centres, each, axis=0) + rng.normal(0, 5, (5 * each, 2))
    frame = pd.DataFrame(np.maximum(rows, 1).round(1), columns=COLUMNS)
    frame.insert(0, "CustomerID", range(1, len(frame) + 1))
    return frame


def positive(rows: int, width: int, seed: int = 0) -> pd.DataFrame:
    """Groups of customers with nothing negative."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(2, 60, (4, width))
    values = centres[rng.integers(0, 4, rows)] * rng.lognormal(0, 0.2, (rows, width))
    return pd.DataFrame(values, columns=[f"f{column}" for column in range(width)])


def k_means(k: int = 5) -> KMeans:
    return KMeans(k, n_init=3, random_state=1)


def log() -> FunctionTransformer:
    return FunctionTransformer(np.log1p)


def steps(*before: Any, k: int = 4) -> Pipeline:
    """A Pipeline that ends in KMeans."""
    return Pipeline([(f"step{number}", step) for number, step in enumerate(before)] + [("kmeans", k_means(k))])


def mixed() -> Pipeline:
    """Some columns one way, some another."""
    logged = Pipeline([("log", log()), ("scale", StandardScaler())])
    columns = ColumnTransformer([("money", logged, ["f2"]), ("share", MaxAbsScaler(), ["f0"])], remainder="passthrough")
    return steps(columns, "passthrough", StandardScaler(with_mean=False))


KINDS: dict[str, Any] = {
    "bare": lambda: steps(),
    "standard": lambda: steps(StandardScaler()),
    "spread only": lambda: steps(StandardScaler(with_mean=False)),
    "mean only": lambda: steps(StandardScaler(with_std=False)),
    "min-max": lambda: steps(MinMaxScaler((-1, 2))),
    "min-max clipped": lambda: steps(MinMaxScaler(clip=True)),
    "robust": lambda: steps(RobustScaler(quantile_range=(10, 90))),
    "max-abs": lambda: steps(MaxAbsScaler()),
    "pca": lambda: steps(StandardScaler(), PCA(2)),
    "whitened": lambda: steps(RobustScaler(), PCA(0.9, whiten=True)),
    "log": lambda: steps(log(), StandardScaler(), PCA()),
    "log, then clipped": lambda: steps(log(), MinMaxScaler(clip=True)),
    "clipped": lambda: steps(FunctionTransformer(np.clip, kw_args={"a_min": 5, "a_max": 50}), log(), StandardScaler()),
    "columns": mixed,
    "nested": lambda: steps(Pipeline([("scale", StandardScaler()), ("pca", PCA(2))]), MinMaxScaler()),
    "two scalers": lambda: steps(MinMaxScaler(), StandardScaler(), PCA(2), StandardScaler()),
}


def told(pipeline: Any) -> tuple[Described, Folded]:
    """A Pipeline as the job sees it, without a file."""
    answer = described(pipeline, [])
    assert answer.width is not None
    return answer, fold(answer.pipeline, answer.width)


def dump(pipeline: object, folder: Path, name: str = "pipeline.pkl", **how: Any) -> tuple[Path, str]:
    """The file, and its SHA-256."""
    path = folder / name
    joblib.dump(pipeline, path, **how)
    return path, digest(path)


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.command = f"touch {target}"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)
