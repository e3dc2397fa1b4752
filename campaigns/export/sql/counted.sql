-- Rows of customers who are somewhere now: one each.

SELECT count(*) AS open_rows
FROM {schema}.customer_segment
WHERE valid_to IS NULL;
