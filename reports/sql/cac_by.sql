-- CAC by something other than the month: the costs that can be told of a campaign, a country or
-- an ambassador, and the new customers of each.
--
-- Unit: amounts in minor units of $currency; counts of customers.
-- Sources and figures: as `cac.sql` defines them, over the whole period.
-- $by: country, of the order; campaign, ambassador: of the credit, null without one.
-- Commissions and discounts stand on purchases.  A perk stands on the ambassador who took it
--   (`spend.ambassador_id`), so it is told where $by is ambassador.  All other spend is
--   recorded for a channel, and belongs to no part.
WITH bought AS (
    SELECT
        CASE $by
            WHEN 'country' THEN country
            WHEN 'campaign' THEN CASE WHEN ambassador_id IS NOT NULL THEN campaign END
            WHEN 'ambassador' THEN CAST(ambassador_id AS VARCHAR)
        END AS part,
        customer_status, ambassador_id, commission, discount
    FROM purchases
    WHERE currency = $currency AND month BETWEEN $from AND $to
),
told AS (
    SELECT
        part,
        CASE WHEN customer_status = 'new' THEN 1 ELSE 0 END AS new_customers,
        CASE WHEN customer_status = 'new' AND ambassador_id IS NOT NULL THEN 1 ELSE 0 END
            AS new_customers_community,
        CASE WHEN customer_status = 'new' THEN commission ELSE 0 END AS commissions,
        CASE WHEN customer_status = 'existing' THEN commission ELSE 0 END
            AS commissions_retention,
        CASE WHEN customer_status = 'unknown' THEN commission ELSE 0 END
            AS commissions_unknown,
        CASE WHEN customer_status = 'new' AND ambassador_id IS NOT NULL
            THEN discount ELSE 0 END AS discounts,
        0 AS perks
    FROM bought
    UNION ALL
    SELECT CAST(ambassador_id AS VARCHAR) AS part, 0, 0, 0, 0, 0, 0, amount AS perks
    FROM spend
    WHERE $by = 'ambassador' AND ambassador_id IS NOT NULL AND kind = 'perks'
        AND currency = $currency AND month BETWEEN $from AND $to
)
SELECT
    part,
    CAST(sum(new_customers) AS BIGINT) AS new_customers,
    CAST(sum(new_customers_community) AS BIGINT) AS new_customers_community,
    CAST(sum(commissions) AS BIGINT) AS commissions,
    CAST(sum(commissions_retention) AS BIGINT) AS commissions_retention,
    CAST(sum(commissions_unknown) AS BIGINT) AS commissions_unknown,
    CAST(sum(discounts) AS BIGINT) AS discounts,
    CAST(sum(perks) AS BIGINT) AS perks
FROM told
GROUP BY part
ORDER BY part
