"""What a card says of a Pipeline that was fitted elsewhere and brought in by `models import`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Where an imported Pipeline comes from; everything else in its card was measured on the data it was imported with.

    Parameters
    ----------
    sha256
        Of the file, hexadecimal.
    scikit_learn
        Version that fitted it; None where the file does not say.
    steps
        Its steps in their order, such as `scaler: StandardScaler`.
    features
        Our features in the order in which it takes them, by what it calls them; it may not name them.
    clusters
        The number that its own `predict` gives for each segment, in the order of the card's segments.
    """

    sha256: str
    scikit_learn: str | None
    steps: tuple[str, ...]
    features: tuple[tuple[str | None, str], ...]
    clusters: tuple[int, ...]
