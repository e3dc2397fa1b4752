"""Tables without lines, as all commands print them."""

from collections.abc import Sequence

from rich.table import Table


def table(*headings: str, right: Sequence[str] = ()) -> Table:
    """A table with headings.

    Parameters
    ----------
    headings
        Of the columns.
    right
        Those whose cells stand to the right.

    Returns
    -------
    Table
        Without rows.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    return made


def facts() -> Table:
    """A table of names and what is said of them.

    Returns
    -------
    Table
        Without rows.
    """
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    return made
