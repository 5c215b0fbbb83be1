-- How good are each tier's answers, by kind of signal?
--
-- Feedback names no tier: it counts for the tier on which its request ended. The rows with signal
-- none count replied requests without a signal: their answer has no confidence and no score, and
-- their quality is unknown. Requests with the same id, days apart, count as judged if one of them
-- was.
--
-- column tier [text]: tier of the answer; empty if the request is unknown
-- column signal [text]: cascade_confidence, validator, judge, feedback, golden, or none
-- column requests [count]: requests with such a signal
-- column signals [count]: signals
-- column score [share]: mean of the signals with a score, 0..1
-- column scored [count]: signals with a score
-- column passed_share [share]: passed as a share of the signals with a pass or fail verdict
-- column verdicts [count]: signals with a pass or fail verdict
WITH
    tierless AS
    (
        SELECT request_hash, at, signal, score, passed
        FROM opinions
        WHERE tier = '' AND at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
    ),
    -- Only what names no tier needs its request.
    told AS
    (
        SELECT tier AS of_tier, signal AS kind, request_hash, score, passed
        FROM quality
        WHERE tier != '' AND at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
        UNION ALL
        SELECT e.tier, q.signal, q.request_hash, q.score, q.passed
        FROM tierless AS q
        ASOF LEFT JOIN
        (
            SELECT request_hash, requested_at, tier
            FROM requests
            WHERE ended_at >= {since:DateTime64(3, 'UTC')} - INTERVAL 8 DAY AND ended_at < {until:DateTime64(3, 'UTC')}
                AND request_hash IN (SELECT request_hash FROM tierless)
        ) AS e
            ON q.request_hash = e.request_hash AND q.at >= e.requested_at
    ),
    -- An answer with a confidence was judged by the cascade: only the others are looked up.
    unsure AS
    (
        SELECT request_hash, tier
        FROM requests
        WHERE status = 'replied' AND confidence IS NULL
            AND ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
    )
SELECT *
FROM
(
    SELECT
        toString(of_tier) AS tier, toString(kind) AS signal,
        uniqExact(request_hash) AS requests,
        count() AS signals,
        avg(told.score) AS score,
        count(told.score) AS scored,
        avg(told.passed) AS passed_share,
        count(told.passed) AS verdicts
    FROM told
    GROUP BY of_tier, kind
    UNION ALL
    SELECT toString(r.tier), 'none', count(), 0, NULL, 0, NULL, 0
    FROM unsure AS r
    WHERE r.request_hash NOT IN
    (
        SELECT request_hash
        FROM quality
        WHERE at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
            AND request_hash IN (SELECT request_hash FROM unsure)
    )
    GROUP BY r.tier
)
ORDER BY tier, signal
