-- Does an arm of an experiment differ from its control, and is the sample large enough to say so?
--
-- One row for each arm and measure. Users stay in their arm, so intervals are by user, not by
-- request: the delta method on means over users (Deng, Knoblich and Lu, KDD 2018). Medians and
-- 95th percentiles have Woodruff's interval (JASA 1952), its share of faster requests measured by
-- user likewise. Each interval holds with 95 % by itself: of twenty measures without a difference
-- one seems to have one. Look once, after the days that were planned.
-- Higher is better for feedback, judge and confidence, lower for everything else. Unknown values
-- are left out, and a measure without any is unknown.
--
-- param experiment = : one experiment only; empty is all
-- param control = : the arm to compare with; empty is the one named control, else the first by name
-- param requests = 1000: fewest requests of each of the two arms, below it the sample is too small
-- param days = 7: fewest days (UTC) on which each of them had requests that ended
-- param users = 30: fewest users of each of them; with fewer an interval by user is too narrow
-- column experiment [text]: by its registry name
-- column arm [text]: the arm that is compared
-- column control [text]: the arm that it is compared with
-- column measure [text]: feedback, judge, confidence, cost, latency_p50, latency_p95, escalated, failed
-- column unit [text]: of value, difference and bounds: score (0..1), USD a request, ms, share (0..1)
-- column value [number]: in the arm
-- column control_value [number]: in the control
-- column difference [number]: value less control_value
-- column low [number]: lower bound of the difference, 95 %; NULL with less than two users in an arm
-- column high [number]: upper bound
-- column verdict [text]: better, worse, no difference seen, sample too small, unknown
-- column requests [count]: requests of the arm that ended
-- column control_requests [count]: of the control
-- column users [count]: users of the arm with a value of this measure
-- column control_users [count]: of the control
-- column days [count]: days on which requests ended, of the arm that has fewer
WITH
    1.959963984540054 AS z,
    ended AS
    (
        SELECT
            tenant, request_id, requested_at, ended_at, user_id, status, cost, latency_ms,
            confidence, tier, model, length(tiers_tried) > 1 AS moved,
            toString(requests.experiment) AS in_experiment, toString(requests.arm) AS in_arm
        FROM requests
        WHERE in_experiment != '' AND {experiment:String} IN ('', in_experiment)
            AND ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
    ),
    -- What was said of the answer that was given; a request's own mean counts once.
    judged AS
    (
        SELECT
            e.tenant AS tenant, e.request_id AS request_id, e.requested_at AS requested_at,
            avgIf(q.score, q.signal = 'feedback') AS liking,
            avgIf(q.score, q.signal = 'judge' AND if(
                q.request_model = '', q.tier IN ('', e.tier), q.request_model = e.model
            )) AS opinion
        FROM quality AS q
        ASOF INNER JOIN ended AS e
            ON q.tenant = e.tenant AND q.request_id = e.request_id AND q.at >= e.requested_at
        WHERE q.signal IN ('feedback', 'judge') AND q.score IS NOT NULL
            AND q.at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
        GROUP BY e.tenant, e.request_id, e.requested_at
    ),
    lives AS
    (
        SELECT
            in_experiment, in_arm, concat(toString(tenant), '/', user_id) AS who,
            toDate(ended_at, 'UTC') AS day, toFloat64(cost) AS paid,
            if(isFinite(liking), liking, NULL) AS liked, if(isFinite(opinion), opinion, NULL) AS found,
            if(status = 'replied', confidence, NULL) AS sure,
            if(status = 'replied', latency_ms, NULL) AS took,
            toFloat64(moved) AS escalated, toFloat64(status != 'replied') AS failed
        FROM ended
        LEFT JOIN judged USING (tenant, request_id, requested_at)
    ),
    arms AS
    (
        SELECT
            in_experiment, in_arm, count() AS many, uniqExact(day) AS on_days,
            arraySort(groupArray(took)) AS times,
            quantileExactInclusiveOrNull(0.5)(took) AS p50,
            quantileExactInclusiveOrNull(0.95)(took) AS p95
        FROM lives
        GROUP BY in_experiment, in_arm
    ),
    -- A quantile is measured by the share of requests that are no slower.
    user_sums AS
    (
        SELECT
            in_experiment, in_arm, told.1 AS measure,
            ifNull(sum(told.2), 0) AS total, count(told.2) AS parts
        FROM lives
        INNER JOIN arms USING (in_experiment, in_arm)
        ARRAY JOIN [
            ('feedback', liked), ('judge', found), ('confidence', sure), ('cost', paid),
            ('latency_p50', toFloat64(took <= p50)), ('latency_p95', toFloat64(took <= p95)),
            ('escalated', escalated), ('failed', failed)
        ] AS told
        GROUP BY in_experiment, in_arm, measure, who
    ),
    residuals AS
    (
        SELECT
            in_experiment, in_arm, measure, total, parts,
            sum(total) OVER same_arm / nullIf(sum(parts) OVER same_arm, 0) AS mean
        FROM user_sums
        WINDOW same_arm AS (PARTITION BY in_experiment, in_arm, measure)
    ),
    means AS
    (
        SELECT
            in_experiment, in_arm, measure, any(mean) AS mean_, countIf(parts > 0) AS users_,
            if(users_ > 1, sqrt(
                users_ / (users_ - 1) * sum(pow(total - mean * parts, 2))
            ) / sum(parts), NULL) AS error
        FROM residuals
        GROUP BY in_experiment, in_arm, measure
    ),
    -- Woodruff: the quantiles at the bounds of the share, half their distance being z errors.
    figures AS
    (
        SELECT
            in_experiment, in_arm, measure, users_, many, on_days,
            multiIf(measure = 'latency_p50', p50, measure = 'latency_p95', p95, mean_) AS figure,
            if(measure LIKE 'latency%' AND error IS NOT NULL, arrayMap(
                level -> times[1 + toUInt64(floor(level * (length(times) - 1)))]
                    + (level * (length(times) - 1) - floor(level * (length(times) - 1)))
                    * (times[least(2 + toUInt64(floor(level * (length(times) - 1))), length(times))]
                        - times[1 + toUInt64(floor(level * (length(times) - 1)))]),
                arrayMap(
                    side -> least(greatest(
                        if(measure = 'latency_p50', 0.5, 0.95) + side * z * ifNull(error, 0), 0
                    ), 1),
                    [-1, 1]
                )
            ), []) AS bounds,
            if(measure LIKE 'latency%', if(empty(bounds), NULL, (bounds[2] - bounds[1]) / (2 * z)),
                error) AS spread
        FROM means
        INNER JOIN arms USING (in_experiment, in_arm)
    ),
    named AS
    (
        SELECT
            *,
            multiIf(
                {control:String} != '', {control:String},
                max(in_arm = 'control') OVER same_experiment, 'control',
                min(in_arm) OVER same_experiment
            ) AS base
        FROM figures
        WINDOW same_experiment AS (PARTITION BY in_experiment)
    )
SELECT
    a.in_experiment AS experiment,
    a.in_arm AS arm,
    a.base AS control,
    a.measure AS measure,
    multiIf(
        measure IN ('feedback', 'judge', 'confidence'), 'score', measure = 'cost', 'USD a request',
        measure LIKE 'latency%', 'ms', 'share'
    ) AS unit,
    a.figure AS value,
    c.figure AS control_value,
    value - control_value AS difference,
    difference - z * sqrt(pow(a.spread, 2) + pow(c.spread, 2)) AS low,
    difference + z * sqrt(pow(a.spread, 2) + pow(c.spread, 2)) AS high,
    multiIf(
        difference IS NULL, 'unknown',
        least(requests, control_requests) < {requests:UInt64} OR days < {days:UInt64}
            OR least(users, control_users) < {users:UInt64} OR low IS NULL, 'sample too small',
        low <= 0 AND high >= 0, 'no difference seen',
        (low > 0) = (measure IN ('feedback', 'judge', 'confidence')), 'better',
        'worse'
    ) AS verdict,
    a.many AS requests,
    c.many AS control_requests,
    a.users_ AS users,
    c.users_ AS control_users,
    least(a.on_days, c.on_days) AS days
FROM named AS a
INNER JOIN named AS c
    ON a.in_experiment = c.in_experiment AND a.measure = c.measure AND c.in_arm = a.base
WHERE a.in_arm != a.base
ORDER BY experiment, arm, indexOf(
    ['feedback', 'judge', 'confidence', 'cost', 'latency_p50', 'latency_p95', 'escalated', 'failed'],
    measure
)
SETTINGS join_use_nulls = 1
