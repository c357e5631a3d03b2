-- Members against others: what each customer bought in each month.
--
-- Unit: amounts in minor units of $currency; one row per customer and month with a purchase.
-- Source: `purchases`, one row per paid purchase that is not a test, in the month of its
--   local date in the program's time zone.  $from is two years before the first month asked
--   for, $to the last month of the period that is over.
-- month_number: year * 12 + month - 1.
-- Member: a customer who is linked to a member; the month of joining is that of the member's
--   `joined_on`.  Others: customers who never joined.
-- first purchase: `customer_status` is `new`; basket, country and channel are those of it
--   (members_firsts.sql), and customers are compared within the same month of it, quarter of
--   members' first baskets, country and channel (`community` or `other`).
-- observed: months after the one of the first purchase, and for members after joining, within
--   the months asked for.  aov = gross / purchases; frequency = purchases / customer-months;
--   ltv = net of the first purchase's month and six more, of customers who are that old.
-- estimate: (six months after joining - six months before), less the same of matched others
--   over the same months; the month of joining and the one before are left out.
--   Each sum is a mean per customer and month; ltv is told for six months.
-- churn, mrr: members_subscriptions.sql.
SELECT
    customer_id,
    CAST(substr(month, 1, 4) AS INTEGER) * 12 + CAST(substr(month, 6, 2) AS INTEGER) - 1
        AS month_number,
    count(*) AS purchases,
    CAST(sum(total) AS BIGINT) AS gross,
    CAST(sum(total - refunded) AS BIGINT) AS net
FROM purchases
WHERE currency = $currency AND customer_id IS NOT NULL AND month BETWEEN $from AND $to
GROUP BY customer_id, month
ORDER BY customer_id, month
