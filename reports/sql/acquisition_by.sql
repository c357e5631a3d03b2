-- Acquisition by something other than the month: who bought, and how many through the community.
--
-- Unit: amounts in minor units of $currency; counts of purchases or of customers.
-- Source and figures: as `acquisition.sql` defines them, over the whole period.
-- $by: month; country, of the order; campaign, ambassador: of the credit, null without one;
--   channel: community where an ambassador has the credit, else unattributed.
WITH bought AS (
    SELECT
        CASE $by
            WHEN 'month' THEN month
            WHEN 'country' THEN country
            WHEN 'campaign' THEN CASE WHEN ambassador_id IS NOT NULL THEN campaign END
            WHEN 'ambassador' THEN CAST(ambassador_id AS VARCHAR)
            WHEN 'channel' THEN
                CASE WHEN ambassador_id IS NULL THEN 'unattributed' ELSE 'community' END
        END AS part,
        id, customer_status, ambassador_id, total, refunded,
        CASE WHEN heard_from IS NULL OR trim(heard_from) = '' THEN 'nothing'
            WHEN lower(trim(heard_from)) IN (SELECT answer FROM friendly_answers) THEN 'community'
            ELSE 'other' END AS said
    FROM purchases
    WHERE currency = $currency AND month BETWEEN $from AND $to
)
SELECT
    part,
    count(CASE WHEN customer_status = 'new' THEN 1 END) AS new_customers,
    count(CASE WHEN customer_status = 'new' AND ambassador_id IS NOT NULL THEN 1 END)
        AS new_customers_community,
    count(CASE WHEN customer_status = 'unknown' THEN 1 END) AS new_customers_unknown,
    count(id) AS purchases,
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
FROM bought
GROUP BY part
ORDER BY part
