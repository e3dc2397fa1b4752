-- Takes the newest export back, so that another may have its place.

DELETE FROM {schema}.segment_movement
USING {schema}.exports
WHERE exports.number = :number
    AND segment_movement.as_of = exports.as_of
    AND segment_movement.model_version = exports.model_version;

DELETE FROM {schema}.customer_segment WHERE opened_by = :number;

UPDATE {schema}.customer_segment SET valid_to = NULL, closed_by = NULL WHERE closed_by = :number;

DELETE FROM {schema}.exports WHERE number = :number;
