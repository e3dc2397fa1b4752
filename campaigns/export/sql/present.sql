-- What is there of a snapshot: what it was made of, how many it says, how many there are.

SELECT
    kept.content,
    kept.customers,
    (SELECT count(*) FROM {schema}.assignments WHERE snapshot_key = :snapshot_key) AS counted
FROM {schema}.snapshots kept
WHERE kept.snapshot_key = :snapshot_key;
