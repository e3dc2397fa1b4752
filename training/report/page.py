"""One self-contained HTML page: words, tables and pictures, in one file that can be mailed and printed."""

from base64 import b64encode
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.report.drawing import Picture


@dataclass(frozen=True, slots=True)
class Table:
    """A table of words.

    Parameters
    ----------
    caption
        Above it.
    headings
        Of its columns.
    rows
        As they are shown.
    numbers
        Positions of the columns that hold numbers.
    look
        "quantiles" for cells of several lines, the first of which matters most.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCard:
    """A segment, in words.

    Parameters
    ----------
    id, name, colour, letters
        How it is called, its colour, and the colour of letters that are read on it.
    customers, share, revenue
        How many, their share in percent, and that of the revenue; None where it is not known.
    worth
        Revenue of a customer beside the average one's; empty where it is not known.
    traits
        What sets it apart, strongest first: in a phrase, in numbers, and as an effect.
    without
        What is said where there are no traits.
    lines
        How far it is to be trusted, or what rule it is made by.
    """

    id: int
    name: str
    colour: str
    letters: str
    customers: str
    share: float
    revenue: float | None
    worth: str
    traits: tuple[tuple[str, str, str], ...]
    without: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Parameters
    ----------
    anchor
        For links.
    title
        Its heading.
    explains
        How to read it.
    tables, pictures, cards
        What it shows.
    left_out
        Why it shows nothing; empty where it does.
    """

    anchor: str
    title: str
    explains: str
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    left_out: str = ""
    cards: tuple[SegmentCard, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What the page holds: a title, facts as pairs of name and value, sections, and what is said below them."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    footer: str = ""


def render(page: Page) -> str:
    """Write the page.

    Parameters
    ----------
    page
        What it holds.

    Returns
    -------
    str
        HTML that loads nothing from elsewhere; whatever came out of the data is escaped.
    """
    environment = Environment(
        loader=PackageLoader("training.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda content: b64encode(content).decode("ascii")
    return environment.get_template("page.html.j2").render(page=page)
