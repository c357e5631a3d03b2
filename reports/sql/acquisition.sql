-- Acquisition: who bought in each month, and how many came through the community.
--
-- Unit: amounts in minor units of $currency; counts of purchases or of customers.
-- Source: `purchases`, one row per paid purchase that is not a test, in the month of its
--   local date in the program's time zone.  `customer_status` is `new` for the first paid
--   purchase of a customer in the whole history, `unknown` where the shop named nobody.
-- Community: an ambassador has the credit for the purchase (`ambassador_id`).
-- A refund lowers the month of the purchase it belongs to.
-- Share of acquisition = new_customers_community / new_customers, six places, half-up.
SELECT
    months.month,
    count(CASE WHEN customer_status = 'new' THEN 1 END) AS new_customers,
    count(CASE WHEN customer_status = 'new' AND ambassador_id IS NOT NULL THEN 1 END)
        AS new_customers_community,
    count(CASE WHEN customer_status = 'unknown' THEN 1 END) AS new_customers_unknown,
    count(purchases.id) AS purchases,
    count(ambassador_id) AS purchases_community,
    coalesce(sum(total), 0) AS gross,
    coalesce(sum(refunded), 0) AS refunds,
    coalesce(sum(total - refunded), 0) AS net
FROM months
LEFT JOIN purchases ON purchases.month = months.month AND purchases.currency = $currency
GROUP BY months.month
ORDER BY months.month
