-- Are the answers of shadow calls better than the sent answers, and what do they cost?
--
-- Covers shadow calls for answered requests. A pair is the answer that was sent and the answer of a
-- shadow call; it is judged if a judge scored both. A call that was drawn with probability p has
-- weight 1/p, at most 20: scores, costs and agreement are means with these weights, over the pairs
-- with both values. Intervals of the difference hold with 95 %, by request, for one look.
--
-- column sent_tier [text]: tier of the answer that was sent
-- column shadow_tier [text]: tier of the shadow call
-- column calls [count]: shadow calls, failed ones included
-- column pairs [count]: requests that a shadow call also answered
-- column spent [USD]: on shadow calls, where known
-- column unknown_cost [count]: shadow calls of unknown cost
-- column agreement [share]: agreement of both answers, 0..1
-- column judged [count]: pairs with a score for both answers
-- column sent_score [share]: mean score of the sent answers of the judged pairs
-- column shadow_score [share]: of the shadow answers of the same pairs
-- column gain [share]: shadow_score less sent_score
-- column low [share]: lower bound of the gain; NULL with less than two judged pairs
-- column high [share]: upper bound
-- column sent_cost [USD]: mean cost of the sent call, of pairs with both costs known
-- column shadow_cost [USD]: mean cost of the shadow call of the same pairs
WITH
    shadowed AS
    (
        SELECT request_hash
        FROM calls
        WHERE purpose = 'shadow' AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    ),
    ended AS
    (
        SELECT
            request_hash, requested_at, toString(tier) AS last_tier,
            toString(model) AS sent_model
        FROM requests
        WHERE status = 'replied' AND ended_at >= {since:DateTime64(3, 'UTC')}
            AND ended_at < {until:DateTime64(3, 'UTC')}
            AND request_hash IN (SELECT request_hash FROM shadowed)
    ),
    -- Shadow calls follow the end of their request, answering calls come before it.
    made AS
    (
        SELECT
            e.request_hash AS request_hash, e.requested_at AS requested_at,
            e.last_tier AS last_tier, e.sent_model AS sent_model, s.call_id AS call_id,
            toString(s.purpose) AS purpose, toString(s.tier) AS call_tier,
            toString(s.request_model) AS call_model, s.status = 'ok' AS answered, s.cost AS cost,
            s.at AS at, s.counted AS counted
        FROM
        (
            SELECT
                request_hash, call_id, purpose, tier, request_model, status, cost, at, counted
            FROM counted_calls
            WHERE purpose IN ('answer', 'shadow')
                AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
                AND request_hash IN (SELECT request_hash FROM shadowed)
        ) AS s
        ASOF INNER JOIN ended AS e
            ON s.request_hash = e.request_hash AND s.at >= e.requested_at
    ),
    drawn AS
    (
        SELECT call_id, max(propensity) AS propensity
        FROM calls
        WHERE purpose = 'shadow' AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
        GROUP BY call_id
    ),
    told AS
    (
        SELECT
            call_id, avgOrNullIf(score, signal = 'judge') AS opinion,
            avgOrNullIf(score, signal = 'agreement') AS alike
        FROM opinions
        WHERE signal IN ('judge', 'agreement') AND score IS NOT NULL AND call_id != ''
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
            AND request_hash IN (SELECT request_hash FROM shadowed)
        GROUP BY call_id
    ),
    known AS
    (
        SELECT
            *,
            purpose = 'answer' AND answered AND call_model = sent_model AS is_sent,
            purpose = 'shadow' AND answered AS is_shadow
        FROM made
        LEFT JOIN drawn USING (call_id)
        LEFT JOIN told USING (call_id)
    ),
    asked AS
    (
        SELECT
            if(countIf(is_sent) = 0, any(last_tier), argMaxIf(call_tier, at, is_sent)) AS from_tier,
            argMaxIf(call_tier, at, purpose = 'shadow') AS to_tier,
            sumIf(counted, purpose = 'shadow') AS calls_,
            sumIf(cost, purpose = 'shadow') AS spent_,
            sumIf(counted, purpose = 'shadow' AND cost IS NULL) AS unknown_,
            countIf(is_shadow) > 0 AS is_pair,
            least(1 / greatest(minIf(propensity, is_shadow), 0.05), 20) AS weight,
            coalesce(argMaxIf(alike, at, is_shadow), argMaxIf(alike, at, is_sent)) AS alike_,
            argMaxIf(opinion, at, is_sent) AS sent_opinion,
            argMaxIf(opinion, at, is_shadow) AS shadow_opinion,
            toFloat64(argMaxIf(cost, at, is_sent)) AS sent_paid,
            toFloat64(argMaxIf(cost, at, is_shadow)) AS shadow_paid
        FROM known
        GROUP BY request_hash, requested_at
        HAVING calls_ > 0
    ),
    weighed AS
    (
        SELECT
            *,
            shadow_opinion - sent_opinion AS more,
            sumIf(weight * more, more IS NOT NULL) OVER same
                / nullIf(sumIf(weight, more IS NOT NULL) OVER same, 0) AS mean_more
        FROM asked
        WINDOW same AS (PARTITION BY from_tier, to_tier)
    )
SELECT
    from_tier AS sent_tier,
    to_tier AS shadow_tier,
    sum(calls_) AS calls,
    countIf(is_pair) AS pairs,
    sum(spent_) AS spent,
    sum(unknown_) AS unknown_cost,
    sum(weight * alike_) / nullIf(sumIf(weight, alike_ IS NOT NULL), 0) AS agreement,
    count(more) AS judged,
    sumIf(weight * sent_opinion, more IS NOT NULL) / nullIf(sumIf(weight, more IS NOT NULL), 0)
        AS sent_score,
    sumIf(weight * shadow_opinion, more IS NOT NULL) / nullIf(sumIf(weight, more IS NOT NULL), 0)
        AS shadow_score,
    any(mean_more) AS gain,
    if(judged < 2, NULL, 1.959963984540054 * sqrt(
        judged / (judged - 1) * sum(pow(weight * (more - mean_more), 2))
    ) / sumIf(weight, more IS NOT NULL)) AS reach,
    gain - reach AS low,
    gain + reach AS high,
    sumIf(weight * sent_paid, shadow_paid IS NOT NULL)
        / nullIf(sumIf(weight, sent_paid + shadow_paid IS NOT NULL), 0) AS sent_cost,
    sumIf(weight * shadow_paid, sent_paid IS NOT NULL)
        / nullIf(sumIf(weight, sent_paid + shadow_paid IS NOT NULL), 0) AS shadow_cost
FROM weighed
GROUP BY from_tier, to_tier
ORDER BY pairs DESC, sent_tier, shadow_tier
SETTINGS join_use_nulls = 1
