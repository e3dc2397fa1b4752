-- Makes room for what the model's card says of its segments, which is written whole.

DELETE FROM {schema}.segment WHERE model_version = :model_version;
