"""What a card tells of each segment."""

from dataclasses import dataclass

from segmentation.rules import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """Quantiles of one feature over a group, linearly interpolated; the tails stay untold."""

    q05: float
    q25: float
    q50: float
    q75: float
    q95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """How far a feature sets a segment apart.

    Parameters
    ----------
    feature
        Its name.
    effect
        Mean of the segment minus mean of everybody clustered, in standard deviations of everybody, of the feature as
        the model sees it (winsorised, log1p).
    """

    feature: str
    effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment; its position in the card is its position among the centroids and the Pipeline's labels.

    Parameters
    ----------
    id, name, colour
        How it is called, for as long as the segment survives retrainings; colour as #rrggbb.
    customers, share
        Training customers in it, and their share of all.
    revenue_share
        Its share of the sum of monetary; None where the model has no monetary.
    outlier_distance
        Distance beyond which a customer of this segment is an outlier: third quartile plus three interquartile ranges
        of the training customers' distances (Tukey's outer fence).
    silhouette
        Mean silhouette of its customers.
    stability
        See `segmentation.evidence.Refits`.
    apart
        What sets it apart, strongest first.
    profile
        Quantiles by feature.
    """

    id: int
    name: str
    colour: str
    customers: int
    share: float
    revenue_share: float | None
    outlier_distance: float
    silhouette: float
    stability: float
    apart: tuple[Apart, ...]
    profile: dict[str, Quantiles]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSegment:
    """A segment by condition instead of by clustering; see `segmentation.rules`.

    Parameters
    ----------
    id, name, colour, customers, share, revenue_share, profile
        As in `Segment`; without a profile where a rule takes nobody.
    when
        Conditions on features, all of which must hold.
    why
        What the rule is for, for people.
    """

    id: int
    name: str
    colour: str
    customers: int
    share: float
    revenue_share: float | None
    when: tuple[Condition, ...]
    why: str
    profile: dict[str, Quantiles]
