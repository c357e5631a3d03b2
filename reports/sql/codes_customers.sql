-- Different known customers whom any code brought in the period: the sum over the codes
-- counts twice whoever used two.
--
-- Unit: customers.  Source: `purchases`, as in codes.sql.
SELECT count(DISTINCT customer_id) AS customers
FROM purchases
WHERE currency = $currency AND month BETWEEN $from AND $to
    AND code IS NOT NULL AND ambassador_id IS NOT NULL
