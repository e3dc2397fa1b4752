"""Cells of CSV that a spreadsheet would compute, and what is done about them.

A list is made for an import, but somebody opens it in a spreadsheet first. There a name such as =HYPERLINK("…") that
a stranger typed into a form is run, in quotes or not. Telephone numbers, ids and addresses that begin with + - @ and
call no function are harmless and stay as they are.

References
----------
OWASP, "CSV Injection": https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

from typing import Literal

Formulas = Literal["escape", "keep"]

# The last four are the full-width forms of = + - @.
_DANGEROUS = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
# Digits with what telephone numbers have between them, or one word: neither can call a function.
_HARMLESS = r"^[+@-]([0-9 ()./-]+|[A-Za-z0-9_.@/=+-]+)$"


def is_formula(value: str) -> str:
    """Whether a spreadsheet would compute it.

    Parameters
    ----------
    value
        Text, as an SQL expression.

    Returns
    -------
    str
        A BOOLEAN; false where the value is NULL.
    """
    return (
        f"coalesce(regexp_matches({value}, '{_DANGEROUS}') AND NOT regexp_matches({value}, '{_HARMLESS}', 's'), false)"
    )


def escaped(value: str) -> str:
    """The value, with an apostrophe before what a spreadsheet would compute.

    Parameters
    ----------
    value
        Text, as an SQL expression.

    Returns
    -------
    str
        A VARCHAR.
    """
    return f"CASE WHEN {is_formula(value)} THEN '''' || {value} ELSE {value} END"
