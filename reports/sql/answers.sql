-- What new customers answered to "How did you hear about us?", by answer, most often first.
--
-- Unit: counts of first paid purchases.
-- Source: `purchases`; `heard_from` is what the customer answered through the link of the order
--   mail, by the API or in a file, else what the shop told with the order.
-- channel: what `answer_channels` says of the folded answer; null where no marketer has given one.
SELECT
    lower(trim(heard_from)) AS answer,
    answer_channels.channel,
    count(*) AS customers,
    count(ambassador_id) AS tracked
FROM purchases
LEFT JOIN answer_channels ON answer_channels.answer = lower(trim(heard_from))
WHERE customer_status = 'new' AND trim(heard_from) <> ''
GROUP BY 1, 2
ORDER BY customers DESC, 1
