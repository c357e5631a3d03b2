-- The way of one campaign or one code: purchases, new customers, those who bought again.
--
-- Unit: amounts in minor units of $currency; counts of purchases or of customers.
-- Source: `purchases`, one row per paid purchase that is not a test.  Brought: its credit went to
--   an ambassador through $campaign or through $code, whichever is given.
-- repeat_customers: of the new customers brought in the period, those with a later purchase in
--   it, however it came.  net_later: what those later purchases brought.
-- existing: purchases that were brought and were not the customer's first.
-- cost = commission, net of reversals, and what friends saved.
WITH brought AS (
    SELECT * FROM purchases
    WHERE currency = $currency AND month BETWEEN $from AND $to AND ambassador_id IS NOT NULL
        AND ($campaign IS NULL OR campaign = $campaign) AND ($code IS NULL OR code = $code)
),
won AS (
    SELECT customer_id, id, occurred_at FROM brought WHERE customer_status = 'new'
),
later AS (
    SELECT purchases.customer_id, purchases.total - purchases.refunded AS net
    FROM purchases JOIN won ON won.customer_id = purchases.customer_id
    WHERE purchases.currency = $currency AND purchases.month BETWEEN $from AND $to
        AND (purchases.occurred_at, purchases.id) > (won.occurred_at, won.id)
)
SELECT
    (SELECT count(*) FROM clicks WHERE kind = 'visit' AND $code IS NULL
        AND month BETWEEN $from AND $to AND campaign = $campaign) AS visits,
    (SELECT count(*) FROM brought) AS purchases,
    (SELECT count(*) FROM won) AS new_customers,
    (SELECT count(DISTINCT customer_id) FROM later) AS repeat_customers,
    (SELECT count(*) FROM brought WHERE customer_status = 'existing') AS existing,
    (SELECT coalesce(sum(total - refunded), 0) FROM brought) AS net,
    (SELECT coalesce(sum(net), 0) FROM later) AS net_later,
    (SELECT coalesce(sum(commission + discount), 0) FROM brought) AS cost
