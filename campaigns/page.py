"""One self-contained HTML page: words, tables and pictures, in one file that can be mailed and printed."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from campaigns.pictures import Picture


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
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


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
    tables, pictures
        What it shows.
    """

    anchor: str
    title: str
    explains: str
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Parameters
    ----------
    title
        Its heading.
    answer
        What it comes to, in some sentences.
    facts
        Pairs of name and value.
    sections
        What it shows.
    footer
        What is said below.
    """

    title: str
    answer: tuple[str, ...]
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
        HTML that loads nothing from elsewhere; whatever came out of files is escaped.
    """
    environment = Environment(
        loader=PackageLoader("campaigns", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = lambda content: b64encode(content).decode("ascii")
    return environment.get_template("page.html.j2").render(page=page)
