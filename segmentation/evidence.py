"""What is known of how far a model can be trusted: refits of the same data, and every number of segments tried."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refits:
    """How far refits of the same customers agree with the model: the noise floor of any comparison of two models.

    Parameters
    ----------
    rows, times
        Customers that each refit sees, and refits on bootstrap samples of them; a quarter as many with other seeds.
    seeds_ari, bootstrap_ari
        Mean adjusted Rand index between the model and refits with other seeds, and on bootstrap samples.
    moved
        Mean share of customers whose segment is another after a refit on a bootstrap sample.
    stability
        By segment, in the order of the centroids: mean Jaccard similarity to its most similar cluster in each refit
        on a bootstrap sample (Hennig 2007): below 0.5 the segment dissolves, from 0.6 it shows a pattern, from 0.75 it
        is stable, from 0.85 highly so.
    """

    rows: int
    times: int
    seeds_ari: float
    bootstrap_ari: float
    moved: float
    stability: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One number of segments that was tried; all are measured on the same customers.

    Parameters
    ----------
    k
        Number of segments.
    silhouette, silhouette_standard_error
        Mean silhouette, and its error for the choice of customers.
    unstructured
        The silhouette that as many customers without any structure reach, spread evenly over the same space.
    davies_bouldin, calinski_harabasz, inertia
        See scikit-learn's `davies_bouldin_score`, `calinski_harabasz_score`, and `KMeans.inertia_`.
    smallest_share, largest_share
        Of customers, in the smallest and the largest segment; None for one of fewer than 10.
    refits
        How far refits agree.
    objection
        Why it cannot be chosen; empty where it can.
    """

    k: int
    silhouette: float
    silhouette_standard_error: float
    unstructured: float
    davies_bouldin: float
    calinski_harabasz: float
    inertia: float
    smallest_share: float | None
    largest_share: float
    refits: Refits
    objection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How the number of segments was chosen.

    Parameters
    ----------
    rows
        Customers it was chosen on.
    candidates
        By k, ascending.
    k
        The number chosen.
    natural
        Whether these are segments that the data have by themselves; where not, k is only a way to divide them.
    why
        The rule at work, in words.
    """

    rows: int
    candidates: tuple[Candidate, ...]
    k: int
    natural: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """How far a customer's first events tell their segment; see `training.history`.

    Parameters
    ----------
    events, customers
        Number of first events, and customers with more than these.
    agreement, kappa, kappa_standard_error
        Share of them who are in the same segment after these as after all of their events; the same beyond chance.
    """

    events: int
    customers: int
    agreement: float
    kappa: float
    kappa_standard_error: float
