-- The sums over all purchases behind a figure, with the filters of purchases.sql.
--
-- Unit: amounts in minor units of $currency.
SELECT
    count(*) AS purchases,
    count(CASE WHEN customer_status = 'new' THEN 1 END) AS new_customers,
    coalesce(sum(total), 0) AS gross,
    coalesce(sum(discount), 0) AS discounts,
    coalesce(sum(refunded), 0) AS refunds,
    coalesce(sum(total - refunded), 0) AS net,
    coalesce(sum(commission), 0) AS commission
FROM purchases
WHERE currency = $currency AND month BETWEEN $from AND $to
    AND ($code IS NULL OR (code = $code AND ambassador_id IS NOT NULL))
    AND ($customers IS NULL OR customer_status = $customers)
    AND ($channel IS NULL OR (ambassador_id IS NOT NULL) = ($channel = 'community'))
    AND (NOT $with_code OR (code IS NOT NULL AND ambassador_id IS NOT NULL))
    AND (NOT $refunded OR refunded <> 0)
    AND (NOT $commission OR commission <> 0)
    AND (
        $survey IS NULL OR $survey = CASE
            WHEN heard_from IS NULL OR trim(heard_from) = '' THEN 'nothing'
            WHEN lower(trim(heard_from)) IN (SELECT answer FROM friendly_answers) THEN 'community'
            ELSE 'other' END
    )
    AND ($country IS NULL OR country = $country)
    AND ($customer IS NULL OR customer_id = $customer)
    AND ($campaign IS NULL OR (campaign = $campaign AND ambassador_id IS NOT NULL))
    AND (
        $ambassadors IS NULL OR ambassador_id IN (
            SELECT CAST(asked.id AS BIGINT)
            FROM (SELECT unnest(string_split($ambassadors, ',')) AS id) AS asked
        )
    )
    AND (
        $cohort IS NULL OR customer_id IN (
            SELECT firsts.customer_id FROM purchases AS firsts
            WHERE firsts.currency = $currency AND firsts.customer_status = 'new'
                AND firsts.month = $cohort
                AND (
                    $segment IS NULL
                    OR (firsts.ambassador_id IS NOT NULL) = ($segment = 'community')
                )
        )
    )
