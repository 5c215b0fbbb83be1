-- How good are each tier's answers, by every kind of signal that judged them?
--
-- Feedback names no tier: it counts for the tier on which its request ended. The rows with signal
-- none count replied requests that nothing judged; their quality is unknown, not good.
--
-- column tier [text]: tier of the answer; empty where the request is not known
-- column signal [text]: cascade_confidence, validator, judge, feedback, golden, or none
-- column requests [count]: requests that have such a signal
-- column signals [count]: signals
-- column score [share]: mean of the signals that have a score, 0..1
-- column scored [count]: signals with a score
-- column passed_share [share]: passed of the signals that say pass or fail
-- column verdicts [count]: signals that say pass or fail
WITH
    ended AS
    (
        SELECT tenant, request_id, requested_at, ended_at, status, tier
        FROM requests
        WHERE ended_at >= {since:DateTime64(3, 'UTC')} - INTERVAL 8 DAY
            AND ended_at < {until:DateTime64(3, 'UTC')}
    ),
    told AS
    (
        SELECT
            q.at AS at,
            e.requested_at AS came,
            if(q.tier = '', toString(e.tier), toString(q.tier)) AS of_tier,
            toString(q.signal) AS kind,
            q.tenant AS tenant, q.request_id AS request_id, q.score AS value, q.passed AS passed
        FROM quality AS q
        ASOF LEFT JOIN ended AS e
            ON q.tenant = e.tenant AND q.request_id = e.request_id AND q.at >= e.requested_at
        WHERE q.at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    )
SELECT *
FROM
(
    SELECT
        of_tier AS tier, kind AS signal,
        uniqExact(tenant, request_id) AS requests,
        count() AS signals,
        avg(value) AS score,
        count(value) AS scored,
        avg(passed) AS passed_share,
        count(passed) AS verdicts
    FROM told
    WHERE at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
    GROUP BY of_tier, kind
    UNION ALL
    SELECT toString(ended.tier), 'none', count(), 0, NULL, 0, NULL, 0
    FROM ended
    WHERE status = 'replied' AND ended_at >= {since:DateTime64(3, 'UTC')}
        AND (tenant, request_id, requested_at) NOT IN (SELECT tenant, request_id, came FROM told)
    GROUP BY ended.tier
)
ORDER BY tier, signal
