-- What share of the requests does each tier start, and what share does it answer?
--
-- A request starts on the tier that the classifier or a static rule chose, and is answered by the
-- tier of the model whose answer was sent. Shares are of all started, or all answered, requests of
-- the same period.
--
-- param every = all (all | hour | day): length of a period; all is the whole range
-- column period [time]: start of the period
-- column tier [text]: tier by its registry name
-- column started [count]: requests that started on it
-- column started_share [share]: of all requests that started on a tier
-- column answered [count]: replied requests with an answer from it
-- column answered_share [share]: of all replied requests
WITH
    ended AS
    (
        SELECT
            multiIf(
                {every:String} = 'hour', toDateTime64(hour, 3, 'UTC'),
                {every:String} = 'day', toDateTime64(toStartOfDay(hour), 3, 'UTC'),
                {since:DateTime64(3, 'UTC')}
            ) AS period,
            kind, decided_tier, classifier, if(answer_tier = '', tier, answer_tier) AS from_tier, requests
        FROM outcomes_hourly(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
    ),
    counted AS
    (
        SELECT period, toString(decided_tier) AS of_tier, requests AS begins, 0 AS ends
        FROM ended
        WHERE decided_tier != '' AND classifier != 'none'
        UNION ALL
        SELECT period, toString(from_tier) AS of_tier, 0 AS begins, requests AS ends
        FROM ended
        WHERE kind = 'replied'
    )
SELECT
    period,
    of_tier AS tier,
    sum(begins) AS started,
    started / nullIf(sum(started) OVER same_period, 0) AS started_share,
    sum(ends) AS answered,
    answered / nullIf(sum(answered) OVER same_period, 0) AS answered_share
FROM counted
GROUP BY period, of_tier
WINDOW same_period AS (PARTITION BY period)
ORDER BY period, started DESC, tier
