-- Lift: what customers bought, to compare those invited with those left out by lot.
--
-- Unit: `net` in minor units of $currency, less refunds; `at` in seconds since 1970, UTC.
-- Source: `purchases`, one row per paid purchase that is not a test.
SELECT
    customer_id,
    CAST(floor(epoch(occurred_at)) AS BIGINT) AS at,
    CAST(total - refunded AS BIGINT) AS net
FROM purchases
WHERE currency = $currency AND customer_id IS NOT NULL AND month BETWEEN $from AND $to
ORDER BY customer_id, occurred_at, id
