-- The temporary table `forgotten` holds the ids. Every export that somebody was in says one customer less.

UPDATE {schema}.exports
SET customers = exports.customers - found.gone
FROM (
    SELECT e.number AS found_number, count(*) AS gone
    FROM {schema}.customer_segment c
    JOIN {schema}.exports e ON e.number >= c.opened_by AND (c.closed_by IS NULL OR e.number < c.closed_by)
    WHERE c.customer IN (SELECT customer_id FROM forgotten)
    GROUP BY e.number
) found
WHERE exports.number = found.found_number;

DELETE FROM {schema}.customer_segment WHERE customer IN (SELECT customer_id FROM forgotten);
