-- Who came, went, moved and stayed between each snapshot and the one before it; DuckDB runs it too, over files.
-- Two halves instead of a full join, so that a condition on snapshot_key or as_of reaches the tables.

CREATE VIEW {schema}.movements AS
WITH ordered AS (
    SELECT
        snapshot_key,
        as_of,
        model_version,
        lag(snapshot_key) OVER (ORDER BY as_of, model_version) AS previous_snapshot_key,
        lag(as_of) OVER (ORDER BY as_of, model_version) AS previous_as_of,
        lag(model_version) OVER (ORDER BY as_of, model_version) AS previous_model_version
    FROM {schema}.snapshots
)
SELECT
    ordered.snapshot_key,
    ordered.as_of,
    ordered.previous_as_of,
    ordered.model_version <> ordered.previous_model_version AS model_changed,
    present.customer_id,
    past.segment_id AS previous_segment_id,
    present.segment_id AS segment_id,
    CASE
        WHEN past.segment_id IS NULL THEN 'arrived'
        WHEN past.segment_id = present.segment_id THEN 'stayed'
        ELSE 'moved'
    END AS movement
FROM ordered
JOIN {schema}.assignments present ON present.snapshot_key = ordered.snapshot_key
LEFT JOIN {schema}.assignments past
    ON past.snapshot_key = ordered.previous_snapshot_key AND past.customer_id = present.customer_id
WHERE ordered.previous_snapshot_key IS NOT NULL
UNION ALL
SELECT
    ordered.snapshot_key,
    ordered.as_of,
    ordered.previous_as_of,
    ordered.model_version <> ordered.previous_model_version AS model_changed,
    past.customer_id,
    past.segment_id AS previous_segment_id,
    present.segment_id AS segment_id,
    'left' AS movement
FROM ordered
JOIN {schema}.assignments past ON past.snapshot_key = ordered.previous_snapshot_key
LEFT JOIN {schema}.assignments present
    ON present.snapshot_key = ordered.snapshot_key AND present.customer_id = past.customer_id
WHERE present.customer_id IS NULL;
