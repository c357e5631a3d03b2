-- Acquisition: who bought in each month, and how many came through the community.
--
-- Unit: amounts in minor units of $currency; counts of purchases or of customers.
-- Source: `purchases`, one row per paid purchase that is not a test, in the month of its
--   local date in the program's time zone.  `customer_status` is `new` for the first paid
--   purchase of a customer in the whole history, `unknown` where the shop named nobody.
-- Community: an ambassador has the credit for the purchase (`ambassador_id`).
-- A refund lowers the month of the purchase it belongs to.
-- Share of acquisition = new_customers_community / new_customers, six places, half-up.
-- Declared: what a new customer answered on that first purchase to "How did you hear about
--   us?" (`heard_from`); `friendly_answers` holds the answers that name the community.
--   tracked_and_declared + tracked_only + declared_only + neither + no_answer
--   = new_customers; an answer never pays anybody.
WITH bought AS (
    SELECT
        id, month, customer_status, ambassador_id, total, refunded,
        CASE WHEN heard_from IS NULL OR trim(heard_from) = '' THEN 'nothing'
            WHEN lower(trim(heard_from)) IN (SELECT answer FROM friendly_answers) THEN 'community'
            ELSE 'other' END AS said
    FROM purchases
    WHERE currency = $currency
)
SELECT
    months.month,
    count(CASE WHEN customer_status = 'new' THEN 1 END) AS new_customers,
    count(CASE WHEN customer_status = 'new' AND ambassador_id IS NOT NULL THEN 1 END)
        AS new_customers_community,
    count(CASE WHEN customer_status = 'unknown' THEN 1 END) AS new_customers_unknown,
    count(bought.id) AS purchases,
    count(ambassador_id) AS purchases_community,
    coalesce(sum(total), 0) AS gross,
    coalesce(sum(refunded), 0) AS refunds,
    coalesce(sum(total - refunded), 0) AS net,
    count(CASE WHEN customer_status = 'new' AND said = 'community'
        AND ambassador_id IS NOT NULL THEN 1 END) AS tracked_and_declared,
    count(CASE WHEN customer_status = 'new' AND said = 'other'
        AND ambassador_id IS NOT NULL THEN 1 END) AS tracked_only,
    count(CASE WHEN customer_status = 'new' AND said = 'community'
        AND ambassador_id IS NULL THEN 1 END) AS declared_only,
    count(CASE WHEN customer_status = 'new' AND said = 'other'
        AND ambassador_id IS NULL THEN 1 END) AS neither,
    count(CASE WHEN customer_status = 'new' AND said = 'nothing' THEN 1 END) AS no_answer
FROM months
LEFT JOIN bought ON bought.month = months.month
GROUP BY months.month
ORDER BY months.month
