-- Cohorts and LTV: customers by the month of their first paid purchase, at equal age.
--
-- Unit: amounts in minor units of $currency; counts of customers.
-- Source: `purchases`, one row per paid purchase that is not a test, in the month of its
--   local date in the program's time zone.
-- Cohort: the month of a customer's first paid purchase in the whole history
--   (`customer_status` is `new`).  A customer whose first purchase was before $from, was in
--   another currency, or whom the shop did not name, is in no cohort.
-- Segment: `community` if an ambassador has the credit for that first purchase, else `other`.
-- age_months: calendar months since the cohort's; 0 is the cohort's own month.
-- active: customers of the cohort with a purchase in that month.
-- net: what they bought in that month less what was refunded of it.
-- net_to_date: the sum of `net` up to that age; LTV = net_to_date / size, half-up.
-- Every month up to $to has its row, also where nobody bought.
WITH firsts AS (
    SELECT
        customer_id,
        month AS cohort,
        CASE WHEN ambassador_id IS NULL THEN 'other' ELSE 'community' END AS segment
    FROM purchases
    WHERE currency = $currency AND customer_status = 'new' AND month BETWEEN $from AND $to
),
sizes AS (
    SELECT cohort, segment, count(*) AS size FROM firsts GROUP BY cohort, segment
),
bought AS (
    SELECT
        firsts.cohort,
        firsts.segment,
        purchases.month,
        count(DISTINCT purchases.customer_id) AS active,
        count(*) AS purchases,
        CAST(sum(purchases.total - purchases.refunded) AS BIGINT) AS net
    FROM firsts
    JOIN purchases ON purchases.customer_id = firsts.customer_id
    WHERE purchases.currency = $currency AND purchases.month BETWEEN $from AND $to
    GROUP BY firsts.cohort, firsts.segment, purchases.month
)
SELECT
    sizes.cohort,
    sizes.segment,
    sizes.size,
    (CAST(substr(months.month, 1, 4) AS INTEGER) - CAST(substr(sizes.cohort, 1, 4) AS INTEGER)) * 12
    + CAST(substr(months.month, 6, 2) AS INTEGER) - CAST(substr(sizes.cohort, 6, 2) AS INTEGER)
        AS age_months,
    coalesce(bought.active, 0) AS active,
    coalesce(bought.purchases, 0) AS purchases,
    coalesce(bought.net, 0) AS net,
    CAST(sum(coalesce(bought.net, 0)) OVER (
        PARTITION BY sizes.cohort, sizes.segment ORDER BY months.month
    ) AS BIGINT) AS net_to_date
FROM sizes
JOIN months ON months.month >= sizes.cohort
LEFT JOIN bought ON bought.cohort = sizes.cohort AND bought.segment = sizes.segment
    AND bought.month = months.month
ORDER BY sizes.cohort, sizes.segment, months.month
