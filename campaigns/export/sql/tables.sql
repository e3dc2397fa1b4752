-- The star, in the SQL that PostgreSQL, Redshift and DuckDB have in common.

CREATE TABLE {schema}.exports (
    number BIGINT NOT NULL PRIMARY KEY,
    model_version VARCHAR(64) NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    customers BIGINT NOT NULL,
    content VARCHAR(64) NOT NULL,
    exported_at TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE TABLE {schema}.segment (
    id INTEGER NOT NULL,
    name VARCHAR(256) NOT NULL,
    colour VARCHAR(16) NOT NULL,
    model_version VARCHAR(64) NOT NULL,
    by_rule BOOLEAN NOT NULL,
    share DOUBLE PRECISION NOT NULL,
    revenue_share DOUBLE PRECISION,
    lineage VARCHAR(16),
    came_from VARCHAR(256),
    profile VARCHAR(65535) NOT NULL,
    PRIMARY KEY (model_version, id)
);

CREATE TABLE {schema}.customer_segment (
    customer VARCHAR(256) NOT NULL,
    segment INTEGER NOT NULL,
    confidence DOUBLE PRECISION,
    model_version VARCHAR(64) NOT NULL,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITH TIME ZONE,
    opened_by BIGINT NOT NULL,
    closed_by BIGINT,
    PRIMARY KEY (customer, opened_by)
);

CREATE TABLE {schema}.segment_movement (
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    model_version VARCHAR(64) NOT NULL,
    previous_as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    previous_model_version VARCHAR(64) NOT NULL,
    "from" INTEGER,
    "to" INTEGER,
    customers BIGINT NOT NULL,
    revenue DOUBLE PRECISION,
    cause VARCHAR(16)
);
