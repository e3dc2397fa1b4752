"""Segments in the warehouse: one star, the same in PostgreSQL, in Redshift and as files.

`star` makes the tables of one export out of what `assign` wrote and the card; `postgres`, `redshift` and `files` put
them where they belong, whole or not at all; files in a `folder` or a `bucket`. The SQL that they share is in `sql/`.
"""
