"""Canonical tables to one row of behaviour features per customer, as Ibis expressions.

Training runs the expressions; the service runs the SQL compiled from them, which travels with the model. Only
training imports this room: it needs Ibis.
"""

from segmentation.features.events import EVENT_FEATURES
from segmentation.features.feature import Feature, Lacking, Transform
from segmentation.features.orders import ORDER_FEATURES
from segmentation.features.profiles import number
from segmentation.features.query import available, canonical, compile_sql, customer_table, fill, select

__all__ = [
    "EVENT_FEATURES",
    "ORDER_FEATURES",
    "Feature",
    "Lacking",
    "Transform",
    "available",
    "canonical",
    "compile_sql",
    "customer_table",
    "fill",
    "number",
    "select",
]
