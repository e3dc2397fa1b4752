-- The star, in the SQL that PostgreSQL and Redshift have in common.

CREATE TABLE {schema}.snapshots (
    snapshot_key BIGINT NOT NULL PRIMARY KEY,
    model_version VARCHAR(64) NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL,
    customers BIGINT NOT NULL,
    content VARCHAR(64) NOT NULL,
    exported_at TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE TABLE {schema}.segments (
    segment_key BIGINT NOT NULL PRIMARY KEY,
    model_version VARCHAR(64) NOT NULL,
    segment_id INTEGER NOT NULL,
    name VARCHAR(256) NOT NULL,
    colour VARCHAR(16) NOT NULL,
    by_rule BOOLEAN NOT NULL,
    share DOUBLE PRECISION NOT NULL,
    revenue_share DOUBLE PRECISION,
    lineage VARCHAR(16),
    came_from VARCHAR(256),
    profile VARCHAR(65535) NOT NULL
);

CREATE TABLE {schema}.assignments (
    snapshot_key BIGINT NOT NULL,
    customer_id VARCHAR(256) NOT NULL,
    segment_key BIGINT NOT NULL,
    segment_id INTEGER NOT NULL,
    confidence DOUBLE PRECISION,
    PRIMARY KEY (snapshot_key, customer_id)
);
