-- Members against others: what is known of a customer from the first purchase.
--
-- Unit: `basket` is the first purchase's total in minor units of $currency.
-- Source, months and words are those of members.sql; one row per customer whose first paid
-- purchase of the whole history is in these months and in $currency.
SELECT
    customer_id,
    CAST(substr(month, 1, 4) AS INTEGER) * 12 + CAST(substr(month, 6, 2) AS INTEGER) - 1
        AS month_number,
    total AS basket,
    coalesce(country, '') AS country,
    CASE WHEN ambassador_id IS NULL THEN 'other' ELSE 'community' END AS channel
FROM purchases
WHERE currency = $currency AND customer_status = 'new' AND month BETWEEN $from AND $to
ORDER BY customer_id
