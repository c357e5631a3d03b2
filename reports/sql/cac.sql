-- CAC: what each channel cost in each month, and the new customers it brought.
--
-- Unit: amounts in minor units of $currency; counts of customers.
-- Sources: `purchases`, one row per paid purchase that is not a test, with the commission
--   that the ledger holds for it net of reversals; `spend`, lines that people recorded.
-- A new customer belongs to `community` if an ambassador has the credit for their first
--   paid purchase, else to `unattributed`: no channel is guessed.
-- commissions: on first purchases of new customers.  commissions_retention, on repeat
--   orders, and commissions_unknown, on purchases without a customer, are told and stay
--   out of the cost.  discounts: what friends saved on first purchases credited to an
--   ambassador, as given at the checkout.
-- cost = spend (kind media) + commissions + discounts + perks + boxes + events + people
--        + tools + other.
-- cac = cost / new_customers, half-up to the minor unit; null where nobody came, and for
--   `unattributed`, as nobody knows what those customers cost.
WITH bought AS (
    SELECT
        month,
        CASE WHEN ambassador_id IS NULL THEN 'unattributed' ELSE 'community' END AS channel,
        count(CASE WHEN customer_status = 'new' THEN 1 END) AS new_customers,
        sum(CASE WHEN customer_status = 'new' THEN commission ELSE 0 END) AS commissions,
        sum(CASE WHEN customer_status = 'existing' THEN commission ELSE 0 END)
            AS commissions_retention,
        sum(CASE WHEN customer_status = 'unknown' THEN commission ELSE 0 END)
            AS commissions_unknown,
        sum(
            CASE WHEN customer_status = 'new' AND ambassador_id IS NOT NULL
                THEN discount ELSE 0 END
        ) AS discounts
    FROM purchases
    WHERE currency = $currency AND month BETWEEN $from AND $to
    GROUP BY 1, 2
),
spent AS (
    SELECT
        month,
        channel,
        sum(CASE WHEN kind = 'media' THEN amount ELSE 0 END) AS media,
        sum(CASE WHEN kind = 'perks' THEN amount ELSE 0 END) AS perks,
        sum(CASE WHEN kind = 'boxes' THEN amount ELSE 0 END) AS boxes,
        sum(CASE WHEN kind = 'events' THEN amount ELSE 0 END) AS events,
        sum(CASE WHEN kind = 'people' THEN amount ELSE 0 END) AS people,
        sum(CASE WHEN kind = 'tools' THEN amount ELSE 0 END) AS tools,
        sum(CASE WHEN kind = 'other' THEN amount ELSE 0 END) AS other,
        sum(amount) AS amount
    FROM spend
    WHERE currency = $currency AND month BETWEEN $from AND $to
    GROUP BY 1, 2
),
present AS (
    SELECT month, 'community' AS channel FROM months
    UNION
    SELECT month, channel FROM bought WHERE new_customers > 0 OR commissions_retention <> 0
        OR commissions <> 0 OR commissions_unknown <> 0
    UNION
    SELECT month, channel FROM spent
)
SELECT
    present.month,
    present.channel,
    coalesce(spent.media, 0) AS spend,
    coalesce(bought.commissions, 0) AS commissions,
    coalesce(bought.commissions_retention, 0) AS commissions_retention,
    coalesce(bought.commissions_unknown, 0) AS commissions_unknown,
    coalesce(bought.discounts, 0) AS discounts,
    coalesce(spent.perks, 0) AS perks,
    coalesce(spent.boxes, 0) AS boxes,
    coalesce(spent.events, 0) AS events,
    coalesce(spent.people, 0) AS people,
    coalesce(spent.tools, 0) AS tools,
    coalesce(spent.other, 0) AS other,
    coalesce(spent.amount, 0) + coalesce(bought.commissions, 0) + coalesce(bought.discounts, 0)
        AS cost,
    coalesce(bought.new_customers, 0) AS new_customers
FROM present
LEFT JOIN bought ON bought.month = present.month AND bought.channel = present.channel
LEFT JOIN spent ON spent.month = present.month AND spent.channel = present.channel
ORDER BY present.month, CASE present.channel WHEN 'community' THEN 0 WHEN 'unattributed' THEN 2
    ELSE 1 END, present.channel
