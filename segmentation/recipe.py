"""What a Pipeline is made of: preprocessing, clustering, and how each feature enters. Plain data, no scikit-learn."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta


@dataclass(frozen=True, slots=True)
class Winsorise:
    """Quantiles to which extremes are pulled in; never the extremes themselves, which would be single customers."""

    lower: Annotated[float, Meta(ge=0.001, le=0.25)] = 0.01
    upper: Annotated[float, Meta(ge=0.75, le=0.999)] = 0.99


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What happens to features before they are clustered; each step can be switched off.

    Parameters
    ----------
    winsorise
        None: extremes stay.
    log1p
        Whether the features that the catalogue says so of enter as log(1 + x).
    scale
        Whether features are brought to mean 0 and variance 1.
    variance_kept
        Share of variance that the kept principal components explain, 0 to 1; None: no PCA.
    """

    winsorise: Winsorise | None = Winsorise()
    log1p: bool = True
    scale: bool = True
    variance_kept: Annotated[float, Meta(gt=0, le=1)] | None = 0.90


@dataclass(frozen=True, slots=True)
class Clustering:
    """How KMeans is run.

    Parameters
    ----------
    k
        Number of segments; auto: chosen by the data.
    n_init
        Restarts.
    restart_rows
        Up to so many customers, restarts see all of them; where there are more, they see a sample of a quarter as many,
        and the best three are continued on all.
    """

    k: Annotated[int, Meta(ge=2, le=100)] | Literal["auto"] = 5
    n_init: Annotated[int, Meta(ge=1, le=1000)] = 10
    restart_rows: Annotated[int, Meta(ge=1_000)] = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """How one feature enters the pipeline."""

    name: str
    log1p: bool
    winsorised: bool
