-- How many went from where to where since the snapshot before.

SELECT previous_segment_id, segment_id, model_changed, count(*) AS customers
FROM {schema}.movements
WHERE snapshot_key = :snapshot_key
GROUP BY previous_segment_id, segment_id, model_changed;
