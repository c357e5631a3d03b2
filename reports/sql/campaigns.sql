-- What each campaign brought in the period.
--
-- Unit: amounts in minor units of $currency; counts of purchases or of customers.
-- Source: `purchases`, one row per paid purchase that is not a test, whose credit went to an
--   ambassador through the campaign, by code or link.  Without $campaign, every campaign.
-- new_customers: those whose first paid purchase this is.  net: gross less refunds.
-- commission: what the ledger says these purchases cost, net of reversals.
-- discounts: what friends saved on them.  cost = commission + discounts.
SELECT
    campaign,
    count(*) AS purchases,
    count(CASE WHEN customer_status = 'new' THEN 1 END) AS new_customers,
    sum(total) AS gross,
    sum(refunded) AS refunds,
    sum(total - refunded) AS net,
    sum(commission) AS commission,
    sum(discount) AS discounts,
    sum(commission + discount) AS cost
FROM purchases
WHERE currency = $currency AND month BETWEEN $from AND $to AND ambassador_id IS NOT NULL
    AND campaign IS NOT NULL AND ($campaign IS NULL OR campaign = $campaign)
GROUP BY campaign
ORDER BY net DESC, campaign
