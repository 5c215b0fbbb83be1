-- Which records were unreadable or undeliverable, and why?
--
-- column topic [text]: the dead-letter topic, or the event topic of a record that the sink could not read
-- column cause [text]: undecodable, undeliverable, refused, ...
-- column reason [text]: description of the error
-- column letters [count]: records
-- column size [bytes]: total size of their values
-- column different [count]: number of different values, by hash
-- column first_at [time]: broker time of the first
-- column last_at [time]: broker time of the last
SELECT
    d.topic AS topic, d.cause AS cause, d.reason AS reason,
    count() AS letters,
    sum(d.size) AS size,
    uniqExact(d.sha256) AS different,
    min(d.appended_at) AS first_at,
    max(d.appended_at) AS last_at
FROM dead_letters AS d
WHERE d.appended_at >= {since:DateTime64(3, 'UTC')}
    AND d.appended_at < {until:DateTime64(3, 'UTC')}
GROUP BY topic, cause, reason
ORDER BY letters DESC, topic, cause, reason
