-- What are the cost, quality, latency and failures of each experiment arm?
--
-- Covers requests that ended while in an arm. Cost means cover requests with known cost; feedback
-- covers requests with feedback. The query `experiment` tests differences between arms.
--
-- param experiment = : one experiment only; empty is all
-- column experiment [text]: by its registry name
-- column arm [text]: by its registry name
-- column users [count]: users in the arm
-- column requests [count]: requests that ended
-- column replied_share [share]: share of replied requests
-- column cost_mean [USD]: mean cost of a request, where known
-- column unknown_cost [count]: requests of unknown cost
-- column saved_share [share]: saved against the baseline, where both are known
-- column p50 [ms]: median latency of replied requests
-- column p95 [ms]: 95th percentile
-- column confidence [share]: mean confidence of replied requests with a confidence
-- column feedback [share]: mean score of feedback; the mean of a request counts once
-- column feedbacks [count]: requests with scored feedback
-- column escalated_share [share]: share of requests processed by more than one tier
WITH
    told AS
    (
        SELECT request_hash, at, score
        FROM opinions
        WHERE signal = 'feedback' AND score IS NOT NULL
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    ),
    -- Few requests have feedback: only those are put together with it.
    liked AS
    (
        SELECT
            any(e.experiment) AS in_experiment, any(e.arm) AS in_arm, avg(q.score) AS liking
        FROM told AS q
        ASOF INNER JOIN
        (
            SELECT request_hash, requested_at, experiment, arm
            FROM requests
            WHERE experiment != ''
                AND ({experiment:String} = '' OR experiment = {experiment:String})
                AND ended_at >= {since:DateTime64(3, 'UTC')}
                AND ended_at < {until:DateTime64(3, 'UTC')}
                AND request_hash IN (SELECT request_hash FROM told)
        ) AS e
            ON q.request_hash = e.request_hash AND q.at >= e.requested_at
        GROUP BY e.request_hash, e.requested_at
    ),
    liked_arms AS
    (
        SELECT in_experiment, in_arm, avg(liking) AS feedback, count() AS feedbacks
        FROM liked
        GROUP BY in_experiment, in_arm
    ),
    arms AS
    (
        SELECT
            requests.experiment AS in_experiment, requests.arm AS in_arm,
            uniqExact(cityHash64(tenant, user_id)) AS users_,
            count() AS requests_,
            countIf(status = 'replied') / requests_ AS replied_share_,
            toFloat64(sum(cost)) / nullIf(count(cost), 0) AS cost_mean_,
            countIf(cost IS NULL) AS unknown_cost_,
            toFloat64(sum(saved)) / nullIf(toFloat64(sumIf(baseline_cost, saved IS NOT NULL)), 0)
                AS saved_share_,
            quantilesExactInclusiveIf(0.5, 0.95)(
                assumeNotNull(latency_ms), status = 'replied' AND latency_ms IS NOT NULL
            ) AS paces,
            avgIf(confidence, status = 'replied') AS confidence_,
            countIf(length(tiers_tried) > 1) / requests_ AS escalated_share_
        FROM requests
        WHERE requests.experiment != ''
            AND ({experiment:String} = '' OR requests.experiment = {experiment:String})
            AND ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
        GROUP BY in_experiment, in_arm
    )
SELECT
    toString(in_experiment) AS experiment,
    toString(in_arm) AS arm,
    users_ AS users,
    requests_ AS requests,
    replied_share_ AS replied_share,
    cost_mean_ AS cost_mean,
    unknown_cost_ AS unknown_cost,
    saved_share_ AS saved_share,
    if(isNaN(paces[1]), NULL, paces[1]) AS p50,
    if(isNaN(paces[2]), NULL, paces[2]) AS p95,
    confidence_ AS confidence,
    feedback,
    ifNull(feedbacks, 0) AS feedbacks,
    escalated_share_ AS escalated_share
FROM arms
LEFT JOIN liked_arms USING (in_experiment, in_arm)
ORDER BY experiment, arm
SETTINGS join_use_nulls = 1
