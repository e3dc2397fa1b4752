-- What an export brings: who is where now, and where the model of the export before would put them.

CREATE TEMPORARY TABLE assigned (
    customer VARCHAR(256) NOT NULL,
    segment INTEGER NOT NULL,
    confidence DOUBLE PRECISION,
    revenue_cents BIGINT,
    segment_by_previous INTEGER
);
