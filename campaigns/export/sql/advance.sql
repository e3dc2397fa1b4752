-- History goes on: rows of whoever stays are kept, the others are closed, and opened anew for whoever is there.

UPDATE {schema}.customer_segment
SET confidence = compared.confidence
FROM compared
WHERE customer_segment.valid_to IS NULL
    AND compared.customer = customer_segment.customer
    AND compared.stays = 1
    AND compared.other_confidence = 1;

UPDATE {schema}.customer_segment
SET valid_to = CAST(:as_of AS TIMESTAMP WITH TIME ZONE), closed_by = :number
FROM compared
WHERE customer_segment.valid_to IS NULL
    AND compared.customer = customer_segment.customer
    AND compared.stays = 0;

INSERT INTO {schema}.customer_segment (
    customer, segment, confidence, model_version, valid_from, valid_to, opened_by, closed_by
)
SELECT
    customer,
    to_segment,
    confidence,
    :model_version,
    CAST(:as_of AS TIMESTAMP WITH TIME ZONE),
    CAST(NULL AS TIMESTAMP WITH TIME ZONE),
    :number,
    CAST(NULL AS BIGINT)
FROM compared
WHERE stays = 0 AND to_segment IS NOT NULL;
