-- How much confidence does the next tier add, and at which cost?
--
-- Compares each escalation with the end of the next hop. If the first tier gave no answer (its
-- models failed), there is no comparison. Unknown cost is counted, not summed.
--
-- column from_tier [text]: tier before the escalation
-- column to_tier [text]: tier after the escalation
-- column escalations [count]: escalated hops
-- column without_answer [count]: of them, because no model of the tier answered
-- column compared [count]: of them, with a confidence before and after
-- column confidence_before [share]: mean over the compared
-- column confidence_after [share]: mean over the compared
-- column improved [count]: of the compared, with a higher confidence after
-- column improved_share [share]: improved as a share of compared
-- column cost_added [USD]: cost of the next hops, where known
-- column unknown_cost [count]: next hops of unknown cost
-- column cost_per_improvement [USD]: cost_added over improved; NULL where a cost is unknown
WITH
    hops AS
    (
        SELECT
            -- One number for a hop: pairs of numbers are found fastest.
            cityHash64(request_hash, source_topic, source_partition, source_offset) AS origin,
            toInt64(hop) AS step, toString(kind) AS ended_as, tier, next_tier, confidence, cost, at
        FROM escalations
        WHERE at >= {since:DateTime64(3, 'UTC')}
            AND at < {until:DateTime64(3, 'UTC')} + INTERVAL 1 DAY
    ),
    following AS
    (
        SELECT
            cityHash64(origin, step - 1) AS place, ended_as AS next_end,
            confidence AS next_confidence, cost AS next_cost
        FROM hops
        WHERE step > 0
    ),
    pairs AS
    (
        SELECT
            tier AS left_tier,
            next_tier AS asked_tier,
            confidence AS before,
            next_confidence AS after,
            next_end != '' AS followed,
            if(followed, next_cost - cost, NULL) AS added,
            followed AND before IS NOT NULL AND after IS NOT NULL AS comparable
        FROM
        (
            SELECT cityHash64(origin, step) AS place, tier, next_tier, confidence, cost
            FROM hops
            WHERE ended_as = 'escalated' AND at < {until:DateTime64(3, 'UTC')}
        ) AS escalated
        LEFT JOIN following USING (place)
    )
SELECT
    toString(left_tier) AS from_tier,
    toString(asked_tier) AS to_tier,
    count() AS escalations,
    countIf(before IS NULL) AS without_answer,
    countIf(comparable) AS compared,
    avgIf(before, comparable) AS confidence_before,
    avgIf(after, comparable) AS confidence_after,
    countIf(comparable AND after > before) AS improved,
    improved / nullIf(compared, 0) AS improved_share,
    sum(added) AS cost_added,
    countIf(followed AND added IS NULL) AS unknown_cost,
    if(unknown_cost > 0, NULL, toFloat64(cost_added) / nullIf(improved, 0)) AS cost_per_improvement
FROM pairs
GROUP BY left_tier, asked_tier
ORDER BY escalations DESC, from_tier, to_tier
