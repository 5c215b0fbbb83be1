-- How does each arm of each experiment do by itself, in cost, quality, time and failures?
--
-- Over requests that ended while in an arm. Means of money are over requests whose cost is known;
-- feedback is over requests that have any. Whether arms differ is the question `experiment`.
--
-- param experiment = : one experiment only; empty is all
-- column experiment [text]: by its registry name
-- column arm [text]: by its registry name
-- column users [count]: users in the arm
-- column requests [count]: requests that ended
-- column replied_share [share]: replied of them
-- column cost_mean [USD]: mean cost of a request, where known
-- column unknown_cost [count]: requests of unknown cost
-- column saved_share [share]: saved against the baseline, where both are known
-- column p50 [ms]: median latency of replied requests
-- column p95 [ms]: 95th percentile
-- column confidence [share]: mean confidence of replied requests that have one
-- column feedback [share]: mean score of feedback, a request's own mean counting once
-- column feedbacks [count]: requests with scored feedback
-- column escalated_share [share]: requests that more than one tier worked on
WITH
    ended AS
    (
        SELECT
            tenant, request_hash, requested_at, user_id, status, cost, baseline_cost, saved,
            latency_ms, confidence AS sure, length(tiers_tried) > 1 AS moved,
            toString(requests.experiment) AS in_experiment, toString(requests.arm) AS in_arm
        FROM requests
        WHERE in_experiment != '' AND {experiment:String} IN ('', in_experiment)
            AND ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
    ),
    told AS
    (
        SELECT request_hash, at, score
        FROM quality
        WHERE signal = 'feedback' AND score IS NOT NULL
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    ),
    liked AS
    (
        SELECT
            e.request_hash AS request_hash, e.requested_at AS requested_at, avg(q.score) AS liking
        FROM told AS q
        ASOF INNER JOIN
        (
            SELECT request_hash, requested_at
            FROM ended
            WHERE request_hash IN (SELECT request_hash FROM told)
        ) AS e
            ON q.request_hash = e.request_hash AND q.at >= e.requested_at
        GROUP BY e.request_hash, e.requested_at
    )
SELECT
    in_experiment AS experiment,
    in_arm AS arm,
    uniqExact(tenant, user_id) AS users,
    count() AS requests,
    countIf(status = 'replied') / requests AS replied_share,
    toFloat64(sum(cost)) / nullIf(count(cost), 0) AS cost_mean,
    countIf(cost IS NULL) AS unknown_cost,
    toFloat64(sum(saved)) / nullIf(toFloat64(sumIf(baseline_cost, saved IS NOT NULL)), 0)
        AS saved_share,
    quantileExactInclusiveOrNullIf(0.5)(latency_ms, status = 'replied') AS p50,
    quantileExactInclusiveOrNullIf(0.95)(latency_ms, status = 'replied') AS p95,
    avgIf(sure, status = 'replied') AS confidence,
    avg(liking) AS feedback,
    count(liking) AS feedbacks,
    countIf(moved) / requests AS escalated_share
FROM ended
LEFT JOIN liked USING (request_hash, requested_at)
GROUP BY in_experiment, in_arm
ORDER BY experiment, arm
SETTINGS join_use_nulls = 1
