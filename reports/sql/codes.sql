-- Codes: what each promo code brought in the period.
--
-- Unit: amounts in minor units of $currency; counts of purchases or of customers.
-- Source: `purchases`, one row per paid purchase that is not a test, whose credit was won by
--   a code.  A code that was entered and lost (its window, a better candidate, a
--   self-referral) is not counted; a code without a purchase in the period has no row.
-- customers: different known customers.  new_customers: those whose first paid purchase this is.
-- commission: what the ledger says those purchases cost, net of reversals.
SELECT
    code,
    ambassador_id,
    campaign,
    count(*) AS purchases,
    count(DISTINCT customer_id) AS customers,
    count(CASE WHEN customer_status = 'new' THEN 1 END) AS new_customers,
    sum(total) AS gross,
    sum(refunded) AS refunds,
    sum(total - refunded) AS net,
    sum(commission) AS commission
FROM purchases
WHERE currency = $currency AND month BETWEEN $from AND $to
    AND code IS NOT NULL AND ambassador_id IS NOT NULL
GROUP BY code, ambassador_id, campaign
ORDER BY net DESC, code, ambassador_id, campaign
