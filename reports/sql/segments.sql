-- Segments: what customers of the cohorts bought in all, those of the community apart.
--
-- Unit: amounts in minor units of $currency; counts of customers or purchases.
-- Source, cohort and segment are those of cohorts.sql.
-- repeat_customers: customers with a second paid purchase up to $to.
-- Repeat rate = repeat_customers / customers; basket (AOV) = gross / purchases;
-- frequency = purchases / customers.  These are not at equal age: a cohort that is older has
-- had more time.  They describe; the LTV at equal age compares.
WITH firsts AS (
    SELECT
        customer_id,
        CASE WHEN ambassador_id IS NULL THEN 'other' ELSE 'community' END AS segment
    FROM purchases
    WHERE currency = $currency AND customer_status = 'new' AND month BETWEEN $from AND $to
),
each AS (
    SELECT
        firsts.segment,
        firsts.customer_id,
        count(*) AS purchases,
        sum(purchases.total) AS gross,
        sum(purchases.refunded) AS refunds
    FROM firsts
    JOIN purchases ON purchases.customer_id = firsts.customer_id
    WHERE purchases.currency = $currency AND purchases.month BETWEEN $from AND $to
    GROUP BY firsts.segment, firsts.customer_id
)
SELECT
    segment,
    count(*) AS customers,
    count(CASE WHEN purchases > 1 THEN 1 END) AS repeat_customers,
    CAST(sum(purchases) AS BIGINT) AS purchases,
    CAST(sum(gross) AS BIGINT) AS gross,
    CAST(sum(refunds) AS BIGINT) AS refunds
FROM each
GROUP BY segment
ORDER BY segment
