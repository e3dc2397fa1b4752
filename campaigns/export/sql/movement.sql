-- No row without an export before: then nobody moved, all are new.

INSERT INTO {schema}.segment_movement (
    as_of, model_version, previous_as_of, previous_model_version, "from", "to", customers, revenue, cause
)
SELECT
    present.as_of,
    present.model_version,
    previous.as_of,
    previous.model_version,
    compared.from_segment,
    compared.to_segment,
    count(*),
    CAST(sum(compared.revenue_cents) AS DOUBLE PRECISION) / 100,
    compared.cause
FROM compared
JOIN {schema}.exports present ON present.number = :number
JOIN {schema}.exports previous ON previous.number = :number - 1
GROUP BY
    present.as_of,
    present.model_version,
    previous.as_of,
    previous.model_version,
    compared.from_segment,
    compared.to_segment,
    compared.cause;
