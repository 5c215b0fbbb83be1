-- How often was a request started on a tier that was not good enough for it?
--
-- Judged is a request with a signal on an answer of the tier on which it started (feedback counts
-- where the request ended there). Low is one of which a signal failed, or scored below the limit
-- where the signal itself says neither. Requests that nothing judged are counted apart.
--
-- param below = 0.5: score under which an answer is low, where a signal has no verdict of its own
-- column tier [text]: tier on which requests started
-- column requests [count]: requests that ended, answered or not
-- column judged [count]: of them, with a signal on an answer of this tier
-- column unjudged [count]: of them, without one
-- column low [count]: of the judged, with a failed or low signal
-- column rate [share]: low of judged
-- column escalated [count]: requests that went on to another tier
WITH
    ended AS
    (
        SELECT
            tenant, request_id, requested_at, decided_tier, tier,
            length(tiers_tried) > 1 AS moved
        FROM requests
        WHERE decided_tier != ''
            AND ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
    ),
    verdicts AS
    (
        SELECT
            e.tenant AS tenant, e.request_id AS request_id, e.requested_at AS requested_at,
            max(if(q.passed IS NOT NULL, NOT q.passed, q.score < {below:Float64})) AS bad
        FROM quality AS q
        ASOF INNER JOIN ended AS e
            ON q.tenant = e.tenant AND q.request_id = e.request_id AND q.at >= e.requested_at
        WHERE q.at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
            AND (q.tier = e.decided_tier OR (q.tier = '' AND e.tier = e.decided_tier))
            AND (q.passed IS NOT NULL OR q.score IS NOT NULL)
        GROUP BY e.tenant, e.request_id, e.requested_at
    )
SELECT
    ended.decided_tier AS tier,
    count() AS requests,
    countIf(bad IS NOT NULL) AS judged,
    countIf(bad IS NULL) AS unjudged,
    countIf(bad = 1) AS low,
    low / nullIf(judged, 0) AS rate,
    countIf(moved) AS escalated
FROM ended
LEFT JOIN verdicts USING (tenant, request_id, requested_at)
GROUP BY ended.decided_tier
ORDER BY requests DESC, tier
SETTINGS join_use_nulls = 1
