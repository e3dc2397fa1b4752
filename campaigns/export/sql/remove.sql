-- Makes room for a snapshot that is written whole; what its model's segments are is written with it.

DELETE FROM {schema}.snapshots WHERE snapshot_key = :snapshot_key;

DELETE FROM {schema}.segments WHERE model_version = :model_version;

DELETE FROM {schema}.assignments WHERE snapshot_key = :snapshot_key;
