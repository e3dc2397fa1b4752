-- Everybody who was there or is there, once: from where to where, why, and whether the open row stays.

CREATE TEMPORARY TABLE compared AS
SELECT
    COALESCE(present.customer, past.customer) AS customer,
    past.segment AS from_segment,
    present.segment AS to_segment,
    present.confidence AS confidence,
    present.revenue_cents AS revenue_cents,
    CASE
        WHEN past.segment = present.segment THEN NULL
        WHEN past.segment IS NULL OR present.segment IS NULL THEN 'customer moved'
        WHEN past.model_version = :model_version THEN 'customer moved'
        WHEN present.segment_by_previous <> past.segment THEN 'customer moved'
        ELSE 'model changed'
    END AS cause,
    CASE WHEN past.segment = present.segment AND past.model_version = :model_version THEN 1 ELSE 0 END AS stays,
    CASE WHEN COALESCE(past.confidence, -1) = COALESCE(present.confidence, -1) THEN 0 ELSE 1 END AS other_confidence
FROM assigned present
FULL JOIN (
    SELECT customer, segment, confidence, model_version
    FROM {schema}.customer_segment
    WHERE valid_to IS NULL
) past ON past.customer = present.customer;
