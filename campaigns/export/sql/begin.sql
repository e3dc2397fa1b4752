INSERT INTO {schema}.exports (number, model_version, as_of, customers, content, exported_at)
VALUES (
    :number,
    :model_version,
    CAST(:as_of AS TIMESTAMP WITH TIME ZONE),
    :customers,
    :content,
    CAST(:exported_at AS TIMESTAMP WITH TIME ZONE)
);
