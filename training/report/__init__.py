"""The descriptive analysis: what the data say, as frozen facts, pictures of them, and one page that holds both.

Facts are aggregated in DuckDB, so that data may outgrow memory; a picture is drawn of facts, never of rows. No group
under ten customers is told, nor any customer's smallest or largest value.
"""

from training.report.drawing import Picture
from training.report.page import Page, Section, Table, render

__all__ = ["Page", "Picture", "Section", "Table", "render"]
