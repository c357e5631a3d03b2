-- Members against others: the months that payments of subscriptions cover.
--
-- Unit: `net` in minor units of $currency, less refunds; one row per subscription and month
--   with a payment.
-- Source: paid purchases that name a subscription.
-- rhythm: the usual months between two payments of it (their median, at least 1; 1 with a
--   single payment).  A payment covers so many months, and MRR is net / rhythm in each.
-- churn: a customer's subscriptions are over in the first month that no payment covers, told
--   once the month after is over too, as payments come late.
-- Rate of churn = customers whose subscriptions are over / customer-months with a subscription.
WITH paid AS (
    SELECT
        source,
        subscription,
        customer_id,
        CAST(substr(month, 1, 4) AS INTEGER) * 12 + CAST(substr(month, 6, 2) AS INTEGER) - 1
            AS month_number,
        CAST(sum(total - refunded) AS BIGINT) AS net
    FROM purchases
    WHERE currency = $currency AND customer_id IS NOT NULL AND subscription IS NOT NULL
        AND month BETWEEN $from AND $to
    GROUP BY source, subscription, customer_id, month
),
stepped AS (
    SELECT
        source, subscription, customer_id, month_number, net,
        lead(month_number) OVER (
            PARTITION BY source, subscription, customer_id ORDER BY month_number
        ) - month_number AS months_on
    FROM paid
)
SELECT
    customer_id,
    month_number,
    net,
    CAST(greatest(1, round(coalesce(
        median(months_on) OVER (PARTITION BY source, subscription, customer_id), 1
    ))) AS BIGINT) AS rhythm
FROM stepped
ORDER BY customer_id, month_number, source, subscription
