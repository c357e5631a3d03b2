-- In which currencies there were purchases or spend in the period.
SELECT currency FROM purchases WHERE month BETWEEN $from AND $to
UNION
SELECT currency FROM spend WHERE month BETWEEN $from AND $to
ORDER BY currency
