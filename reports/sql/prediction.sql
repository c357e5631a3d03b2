-- Histories: when customers came back and what it left, from which the models are fitted.
--
-- Unit: amounts in minor units of $currency; days.
-- Source, cohort: those of cohorts.sql.  $to is the last month that is over, $until the day after.
-- A row is a customer, without a name or number; of a large shop one customer in $one_in of
--   each cohort, the same ones each time.
-- $segment: null for all, else how the customer came, as in cohorts.sql: community or other.
-- Purchases of one day (UTC) count as one, as in the source of the model.
-- repeats: days with a purchase after the first one.  recency_days: from the first to the last.
-- age_days: from the first to $until.
-- baskets: repeats that left more than nothing after refunds; spent: the sum of what they left.
WITH firsts AS (
    SELECT
        customer_id,
        month AS cohort,
        CAST(occurred_at AS DATE) AS first_day,
        row_number() OVER (PARTITION BY month ORDER BY customer_id) AS place
    FROM purchases
    WHERE currency = $currency AND customer_status = 'new' AND month BETWEEN $from AND $to
        AND ($segment IS NULL OR (ambassador_id IS NOT NULL) = ($segment = 'community'))
),
days AS (
    SELECT
        firsts.cohort,
        firsts.customer_id,
        firsts.first_day,
        CAST(purchases.occurred_at AS DATE) AS day,
        sum(purchases.total - purchases.refunded) AS net
    FROM firsts
    JOIN purchases ON purchases.customer_id = firsts.customer_id
    WHERE (firsts.place - 1) % $one_in = 0
        AND purchases.currency = $currency AND purchases.month BETWEEN $from AND $to
    GROUP BY
        firsts.cohort, firsts.customer_id, firsts.first_day, CAST(purchases.occurred_at AS DATE)
)
SELECT
    cohort,
    count(CASE WHEN day > first_day THEN 1 END) AS repeats,
    date_diff('day', first_day, max(day)) AS recency_days,
    date_diff('day', first_day, CAST($until AS DATE)) AS age_days,
    count(CASE WHEN day > first_day AND net > 0 THEN 1 END) AS baskets,
    CAST(coalesce(sum(CASE WHEN day > first_day AND net > 0 THEN net END), 0) AS BIGINT) AS spent
FROM days
GROUP BY cohort, customer_id, first_day
ORDER BY cohort, customer_id
