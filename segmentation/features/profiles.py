"""Features of customer tables: the source's own numbers, declared by its mapping instead of a catalogue."""

from segmentation.features.feature import Feature, Lacking, Transform
from segmentation.tables import Interval


def number(
    name: str,
    unit: str = "",
    *,
    transform: Transform = "none",
    winsorised: bool = False,
    lacking: Lacking = "median",
    valid: Interval | None = None,
) -> Feature:
    """A column of a customer table as a feature.

    Parameters
    ----------
    name, unit
        The column, and what it is measured in.
    transform, winsorised, lacking, valid
        See `Feature`.

    Returns
    -------
    Feature
        Taken as it stands.
    """
    words = name.replace("_", " ")
    return Feature(
        name=name,
        unit=unit or "as given",
        help=f"{words}, as the customer table gives it",
        needs=frozenset({"customer_id", name}),
        expression=lambda customers: customers[name].cast("float64"),
        low=f"low {words}",
        high=f"high {words}",
        transform=transform,
        winsorised=winsorised,
        lacking=lacking,
        valid=valid or Interval(),
        level="line",
    )
