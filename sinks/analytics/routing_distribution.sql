-- Which share of the requests does each tier take, when it starts them and when it answers them?
--
-- A request starts on the tier that the classifier or a static rule chose, and is answered by the
-- tier whose model gave the answer that was sent. Shares are of all started, or all answered,
-- requests of the same period.
--
-- param every = all (all | hour | day): length of a period; all is the whole range
-- column period [time]: start of the period
-- column tier [text]: tier by its registry name
-- column started [count]: requests that began on it
-- column started_share [share]: of all requests that began on a tier
-- column answered [count]: replied requests whose answer came from it
-- column answered_share [share]: of all replied requests
WITH
    ended AS
    (
        SELECT
            tenant, request_id, status, decided_tier, tier, model, length(tiers_tried) > 1 AS moved,
            multiIf(
                {every:String} = 'hour', toDateTime64(toStartOfHour(ended_at), 3, 'UTC'),
                {every:String} = 'day', toDateTime64(toStartOfDay(ended_at), 3, 'UTC'),
                {since:DateTime64(3, 'UTC')}
            ) AS period
        FROM requests
        WHERE ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
    ),
    answering AS
    (
        SELECT tenant, request_id, request_model AS model, argMax(calls.tier, at) AS call_tier
        FROM calls
        WHERE repeat = 0 AND purpose = 'answer' AND status = 'ok'
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
            AND (tenant, request_id) IN (SELECT tenant, request_id FROM ended WHERE moved)
        GROUP BY tenant, request_id, model
    ),
    counted AS
    (
        SELECT period, decided_tier AS tier, 1 AS begins, 0 AS ends
        FROM ended
        WHERE decided_tier != ''
        UNION ALL
        SELECT period, if(moved AND call_tier != '', call_tier, ended.tier) AS tier, 0, 1
        FROM ended
        ANY LEFT JOIN answering USING (tenant, request_id, model)
        WHERE ended.status = 'replied'
    )
SELECT
    period,
    toString(tier) AS tier,
    sum(begins) AS started,
    started / nullIf(sum(started) OVER same_period, 0) AS started_share,
    sum(ends) AS answered,
    answered / nullIf(sum(answered) OVER same_period, 0) AS answered_share
FROM counted
GROUP BY period, tier
WINDOW same_period AS (PARTITION BY period)
ORDER BY period, started DESC, tier
