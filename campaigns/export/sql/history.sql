-- All exports in their order, and on which side of a moment they are.

SELECT
    number,
    model_version,
    content,
    customers,
    CASE
        WHEN as_of < CAST(:as_of AS TIMESTAMP WITH TIME ZONE) THEN -1
        WHEN as_of > CAST(:as_of AS TIMESTAMP WITH TIME ZONE) THEN 1
        ELSE 0
    END AS side,
    CAST(as_of AS VARCHAR(64)) AS shown
FROM {schema}.exports
ORDER BY number;
