-- The purchases behind a figure, latest first.
--
-- Unit: amounts in minor units of $currency.
-- Source: `purchases`, one row per paid purchase that is not a test.
-- Each filter that is null lets everything through: $code, $customers (new, existing,
--   unknown), $channel (community, unattributed), $touch (code: credit by a code),
--   $refunded (true: only with refunds), $commission (true: only with a commission), $survey
--   (what the customer answered: community, other, nothing), $country, $campaign (its slug),
--   $ambassadors (ids of those who have the credit, with commas between), $cohort (month of the
--   customer's first purchase), with it $segment (community, other), $customer (their number).
SELECT
    id, month, occurred_at, source, external_id, customer_id, customer_status, currency, total,
    discount, refunded, total - refunded AS net, country, ambassador_id, campaign, code, touch,
    commission
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
    AND (
        $before_at IS NULL OR occurred_at < CAST($before_at AS TIMESTAMP)
        OR (occurred_at = CAST($before_at AS TIMESTAMP) AND id < $before_id)
    )
ORDER BY occurred_at DESC, id DESC
LIMIT $limit
