"""What a summary says of a model that was fitted elsewhere."""

from segmentation.imported import Imported


def told(imported: Imported) -> str:
    """Where it comes from.

    Parameters
    ----------
    imported
        From the card.

    Returns
    -------
    str
        Its steps, who fitted it, and of which file.
    """
    by = "" if imported.scikit_learn is None else f", fitted by scikit-learn {imported.scikit_learn}"
    return f"{'; '.join(imported.steps)}{by}; SHA-256 {imported.sha256}"


def cluster(imported: Imported | None, position: int) -> tuple[str, ...]:
    """What the Pipeline's own `predict` gives for a segment.

    Parameters
    ----------
    imported
        From the card; None: it was fitted here.
    position
        Of the segment, rule segments last.

    Returns
    -------
    tuple of str
        One cell of the table of segments; none for a model that was fitted here.
    """
    if imported is None:
        return ()
    return (str(imported.clusters[position]) if position < len(imported.clusters) else "-",)
