"""Canonical tables to one row of behaviour features per customer, as Ibis expressions.

Training runs the expressions; the service runs the SQL compiled from them, which travels with the model. Only
training imports this room: it needs Ibis.
"""

from segmentation.features.catalogue import ORDER_FEATURES, Feature, Lacking, Transform
from segmentation.features.query import available, compile_sql, customer_table, fill, orders_table, select

__all__ = [
    "ORDER_FEATURES",
    "Feature",
    "Lacking",
    "Transform",
    "available",
    "compile_sql",
    "customer_table",
    "fill",
    "orders_table",
    "select",
]
