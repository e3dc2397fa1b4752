"""What each clusterer of the field makes of a model's customers: the file `scores.json` of a version."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from segmentation.errors import InconsistentModelError

SCORES = "scores.json"
"""Name of the file in a version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmScore:
    """One algorithm on a model's customers, in the model's space; those whom rules take are not among them.

    It holds no time and no memory: the same customers give the same bytes.

    Parameters
    ----------
    algorithm
        Its name, as in the URL.
    computed, reason
        Whether there are numbers, and where not, why.
    silhouette_score, standard_error
        Mean silhouette of the customers in clusters, and its error for the choice of customers it was measured on (0:
        all); None with fewer than two clusters.
    silhouette_with_noise
        The same over all customers, noise counted as a cluster of its own: how some publish it.
    n_clusters, small_clusters
        Clusters, and those among them with fewer than 10 customers.
    n_noise, coverage
        Customers in no cluster, and the share of those in one.
    n_rows
        Customers.
    largest_share
        Of the customers in clusters, those in the largest; to two decimals.
    balance
        Entropy of the clusters' sizes over that of as many equal ones: 1 is even, 0 is all in one; to two
        decimals.
    stability
        Mean adjusted Rand index between runs on overlapping subsamples; None where it was not measured.
    agreement
        Adjusted Rand index with the model's own division, noise as a group.
    form, rows_clustered, extended
        exact, sub-clusters or sample; on how many customers it ran; whether the others' labels are an extension of a
        sample's.
    inductive
        Whether the algorithm can say the cluster of a customer whom it has not seen.
    parameters
        With those chosen from the data.
    notes
        What a reader should know.
    verdict
        By the rules of docs/algorithms.md.
    plot
        The version's file with the picture; empty where there is none.
    """

    algorithm: str
    computed: bool
    reason: str
    silhouette_score: float | None
    standard_error: float | None
    silhouette_with_noise: float | None
    n_clusters: int | None
    small_clusters: int | None
    n_noise: int | None
    coverage: float | None
    n_rows: int
    largest_share: float | None
    balance: float | None
    stability: float | None
    agreement: float | None
    form: str | None
    rows_clustered: int
    extended: bool
    inductive: bool
    parameters: dict[str, bool | int | float | str | None]
    notes: tuple[str, ...]
    verdict: str
    plot: str


def not_computed(algorithm: str, *, inductive: bool, n_rows: int, reason: str) -> AlgorithmScore:
    """The score of an algorithm that did not run.

    Parameters
    ----------
    algorithm, inductive, n_rows, reason
        See `AlgorithmScore`.

    Returns
    -------
    AlgorithmScore
        Without numbers.
    """
    return AlgorithmScore(
        algorithm=algorithm,
        computed=False,
        reason=reason,
        silhouette_score=None,
        standard_error=None,
        silhouette_with_noise=None,
        n_clusters=None,
        small_clusters=None,
        n_noise=None,
        coverage=None,
        n_rows=n_rows,
        largest_share=None,
        balance=None,
        stability=None,
        agreement=None,
        form=None,
        rows_clustered=0,
        extended=False,
        inductive=inductive,
        parameters={},
        notes=(),
        verdict="",
        plot="",
    )


def encode(scores: Sequence[AlgorithmScore]) -> bytes:
    """The scores as JSON, a list.

    Parameters
    ----------
    scores
        In the order in which they are shown.

    Returns
    -------
    bytes
        Content of `scores.json`.
    """
    return msgspec.json.format(msgspec.json.encode(tuple(scores)), indent=1)


def decode(content: bytes) -> tuple[AlgorithmScore, ...]:
    """Read the scores back.

    Parameters
    ----------
    content
        Content of `scores.json`.

    Returns
    -------
    tuple of AlgorithmScore
        In their order.

    Raises
    ------
    InconsistentModelError
        It is no such list.
    """
    try:
        return msgspec.json.decode(content, type=tuple[AlgorithmScore, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InconsistentModelError(f"{SCORES} cannot be read: {error}", hint="publish the model again") from error
