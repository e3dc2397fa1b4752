-- The temporary table `forgotten` holds the ids.

UPDATE {schema}.snapshots
SET customers = customers - found.number
FROM (
    SELECT snapshot_key AS found_key, count(*) AS number
    FROM {schema}.assignments
    WHERE customer_id IN (SELECT customer_id FROM forgotten)
    GROUP BY snapshot_key
) found
WHERE snapshot_key = found.found_key;

DELETE FROM {schema}.assignments WHERE customer_id IN (SELECT customer_id FROM forgotten);
