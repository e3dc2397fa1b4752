-- How many went from where to where, why, since the export before.

SELECT "from", "to", customers, revenue, cause
FROM {schema}.segment_movement
WHERE as_of = CAST(:as_of AS TIMESTAMP WITH TIME ZONE) AND model_version = :model_version
ORDER BY "from", "to", cause;
