-- How often did a request start on a tier that was not good enough?
--
-- A request is judged if it has a signal on an answer of the tier on which it started (feedback
-- counts if the request ended there). It is low if a signal failed, or scored below the limit
-- without a verdict of its own. Requests without a signal are counted separately. Requests with the
-- same id, days apart, share their signals.
--
-- param below = 0.5: score below which an answer is low, for signals without a verdict
-- column tier [text]: tier on which requests started
-- column requests [count]: requests that ended, answered or not
-- column judged [count]: of them, with a signal on an answer of this tier
-- column unjudged [count]: of them, without one
-- column low [count]: of the judged, with a failed or low signal
-- column rate [share]: low as a share of judged
-- column escalated [count]: requests that escalated to another tier
WITH
    verdicts AS
    (
        SELECT
            request_hash, tier, if(passed IS NOT NULL, NOT passed, score < {below:Float64}) AS bad
        FROM quality
        WHERE (passed IS NOT NULL OR score IS NOT NULL) AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    ),
    ended AS
    (
        SELECT
            decided_tier AS of_tier,
            -- One number for a request and a tier: a set of numbers is looked up fastest.
            cityHash64(request_hash, decided_tier) AS answer,
            tier = decided_tier AS stayed,
            answer IN (SELECT cityHash64(request_hash, tier) FROM verdicts)
                OR (stayed AND request_hash IN (SELECT request_hash FROM verdicts WHERE tier = ''))
                AS is_judged,
            answer IN (SELECT cityHash64(request_hash, tier) FROM verdicts WHERE bad)
                OR (stayed
                    AND request_hash IN (SELECT request_hash FROM verdicts WHERE tier = '' AND bad))
                AS is_low,
            length(tiers_tried) > 1 AS moved
        FROM requests
        WHERE decided_tier != '' AND classifier != 'none' AND ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
    )
SELECT
    toString(of_tier) AS tier,
    count() AS requests,
    countIf(is_judged) AS judged,
    requests - judged AS unjudged,
    countIf(is_low) AS low,
    low / nullIf(judged, 0) AS rate,
    countIf(moved) AS escalated
FROM ended
GROUP BY of_tier
ORDER BY requests DESC, tier
