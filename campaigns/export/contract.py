"""The contract: tables that outsiders read, column by column."""

TABLES = {
    "exports": {
        "number": "BIGINT",
        "model_version": "VARCHAR",
        "as_of": "TIMESTAMP WITH TIME ZONE",
        "customers": "BIGINT",
        "content": "VARCHAR",
        "exported_at": "TIMESTAMP WITH TIME ZONE",
    },
    "segment": {
        "id": "INTEGER",
        "name": "VARCHAR",
        "colour": "VARCHAR",
        "model_version": "VARCHAR",
        "by_rule": "BOOLEAN",
        "share": "DOUBLE",
        "revenue_share": "DOUBLE",
        "lineage": "VARCHAR",
        "came_from": "VARCHAR",
        "profile": "VARCHAR",
    },
    "customer_segment": {
        "customer": "VARCHAR",
        "segment": "INTEGER",
        "confidence": "DOUBLE",
        "model_version": "VARCHAR",
        "valid_from": "TIMESTAMP WITH TIME ZONE",
        "valid_to": "TIMESTAMP WITH TIME ZONE",
        "opened_by": "BIGINT",
        "closed_by": "BIGINT",
    },
    "segment_movement": {
        "as_of": "TIMESTAMP WITH TIME ZONE",
        "model_version": "VARCHAR",
        "previous_as_of": "TIMESTAMP WITH TIME ZONE",
        "previous_model_version": "VARCHAR",
        "from": "INTEGER",
        "to": "INTEGER",
        "customers": "BIGINT",
        "revenue": "DOUBLE",
        "cause": "VARCHAR",
    },
}
"""Columns of the contract with their types in DuckDB, in their order; `sql/tables.sql` has those of the warehouse."""

STAGED = {
    "assigned": {
        "customer": "VARCHAR",
        "segment": "INTEGER",
        "confidence": "DOUBLE",
        "revenue_cents": "BIGINT",
        "segment_by_previous": "INTEGER",
    },
    "segment": TABLES["segment"],
}
"""What an export sends: tables `star_…` in DuckDB."""

LONGEST = {"customer_id": 256, "name": 256, "came_from": 256, "profile": 65_535}
"""Bytes of UTF-8 that the columns hold; Redshift counts bytes."""
