-- Does an arm of an experiment differ from its control, and is the sample large enough?
--
-- One row for each arm and measure. Users stay in their arm, so intervals are by user, not by
-- request: the delta method on means over users (Deng, Knoblich and Lu, KDD 2018). Medians and 95th
-- percentiles have Woodruff's interval (JASA 1952), with its share of faster requests also measured
-- by user. Each interval holds with 95 % on its own: of twenty measures without a difference one
-- shows a false difference. Look once, after the planned days. Higher is better for feedback, judge
-- and confidence, lower for all other measures. Unknown values are left out, and a measure without
-- values is unknown.
--
-- param experiment = : one experiment only; empty is all
-- param control = : the control arm
-- param requests = 1000: minimum requests of each of the two arms; below it the sample is too small
-- param days = 7: minimum days (UTC) with ended requests in each arm
-- param users = 30: minimum users of each arm; with fewer an interval by user is too narrow
-- column experiment [text]: by its registry name
-- column arm [text]: the compared arm
-- column control [text]: the arm that it is compared with
-- column measure [text]: feedback, judge, confidence, cost, latency_p50 or _p95, escalated, failed
-- column unit [text]: of value, difference and bounds: score (0..1), USD per request, ms, share (0..1)
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
    (sorted, level) -> sorted[1 + toUInt64(floor(level * (length(sorted) - 1)))]
        + (level * (length(sorted) - 1) - floor(level * (length(sorted) - 1)))
        * (sorted[least(2 + toUInt64(floor(level * (length(sorted) - 1))), length(sorted))]
            - sorted[1 + toUInt64(floor(level * (length(sorted) - 1)))]) AS quantile_of,
    -- What was said of the answer that was given; a request's own mean counts once.
    told AS
    (
        SELECT request_hash, at, signal, score, tier, request_model
        FROM opinions
        WHERE signal IN ('feedback', 'judge') AND score IS NOT NULL
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    ),
    judged AS
    (
        SELECT
            any(e.experiment) AS in_experiment, any(e.arm) AS in_arm, any(e.user) AS user,
            avgOrNullIf(q.score, q.signal = 'feedback') AS liking,
            avgOrNullIf(q.score, q.signal = 'judge' AND if(
                q.request_model = '', q.tier IN ('', e.tier), q.request_model = e.model
            )) AS opinion
        FROM told AS q
        ASOF INNER JOIN
        (
            SELECT
                request_hash, requested_at, cityHash64(tenant, user_id) AS user, tier, model,
                experiment, arm
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
    opinions_by_user AS
    (
        SELECT
            in_experiment, in_arm, user, sum(liking) AS liking_sum, count(liking) AS likings,
            sum(opinion) AS opinion_sum, count(opinion) AS opinions
        FROM judged
        GROUP BY in_experiment, in_arm, user
    ),
    ends_by_user AS
    (
        SELECT
            requests.experiment AS in_experiment, requests.arm AS in_arm,
            cityHash64(tenant, user_id) AS user, count() AS many,
            groupUniqArray(toDate(ended_at, 'UTC')) AS dates,
            groupArrayIf(assumeNotNull(latency_ms), status = 'replied' AND latency_ms IS NOT NULL)
                AS times,
            sumIf(confidence, status = 'replied') AS sure_sum,
            countIf(confidence, status = 'replied') AS sures,
            sum(toFloat64(cost)) AS cost_sum, count(cost) AS costs,
            countIf(length(tiers_tried) > 1) AS moved, countIf(status != 'replied') AS failed
        FROM requests
        WHERE requests.experiment != ''
            AND ({experiment:String} = '' OR requests.experiment = {experiment:String})
            AND ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
        GROUP BY in_experiment, in_arm, user
    ),
    -- Total and number of known values by user: feedback, judge, confidence, cost, escalated, failed.
    users AS
    (
        SELECT
            toString(in_experiment) AS in_experiment, toString(in_arm) AS in_arm, many, dates,
            times,
            [
                (ifNull(liking_sum, 0), ifNull(likings, 0)),
                (ifNull(opinion_sum, 0), ifNull(opinions, 0)),
                (ifNull(sure_sum, 0), sures),
                (ifNull(cost_sum, 0), costs),
                (toFloat64(moved), many),
                (toFloat64(failed), many)
            ] AS sums
        FROM ends_by_user
        LEFT JOIN opinions_by_user USING (in_experiment, in_arm, user)
    ),
    arms AS
    (
        SELECT
            in_experiment, in_arm, sum(many) AS requests_,
            length(groupUniqArrayArray(dates)) AS days_,
            groupArray(sums) AS by_user, groupArray(times) AS times_by_user,
            arraySort(arrayFlatten(times_by_user)) AS sorted,
            arrayMap(level -> if(empty(sorted), NULL, quantile_of(sorted, level)), [0.5, 0.95])
                AS quantiles
        FROM users
        GROUP BY in_experiment, in_arm
    ),
    -- A quantile is measured by the share of requests that are no slower.
    measures AS
    (
        SELECT
            in_experiment, in_arm, requests_, days_, sorted, told.1 AS measure, told.2 AS quantile,
            told.3 AS level, arrayFilter(user -> user.2 > 0, told.4) AS pairs
        FROM arms
        ARRAY JOIN [
            ('feedback', NULL, NULL, arrayMap(user -> user[1], by_user)),
            ('judge', NULL, NULL, arrayMap(user -> user[2], by_user)),
            ('confidence', NULL, NULL, arrayMap(user -> user[3], by_user)),
            ('cost', NULL, NULL, arrayMap(user -> user[4], by_user)),
            ('latency_p50', quantiles[1], 0.5, arrayMap(
                each -> (toFloat64(arrayCount(t -> t <= quantiles[1], each)), length(each)),
                times_by_user
            )),
            ('latency_p95', quantiles[2], 0.95, arrayMap(
                each -> (toFloat64(arrayCount(t -> t <= quantiles[2], each)), length(each)),
                times_by_user
            )),
            ('escalated', NULL, NULL, arrayMap(user -> user[5], by_user)),
            ('failed', NULL, NULL, arrayMap(user -> user[6], by_user))
        ] AS told
    ),
    -- Means: the delta method. Quantiles: the bounds of their share, put back into milliseconds.
    figures AS
    (
        SELECT
            in_experiment, in_arm, requests_, days_, measure, length(pairs) AS users_,
            arraySum(user -> user.2, pairs) AS parts,
            if(parts = 0, NULL, arraySum(user -> user.1, pairs) / parts) AS mean,
            if(users_ < 2, NULL, sqrt(users_ / (users_ - 1) * arraySum(
                user -> pow(user.1 - ifNull(mean, 0) * user.2, 2), pairs
            )) / parts) AS error,
            if(level IS NULL, mean, quantile) AS figure,
            if(level IS NULL OR error IS NULL, error, (
                quantile_of(sorted, least(level + z * error, 1))
                - quantile_of(sorted, greatest(level - z * error, 0))
            ) / (2 * z)) AS spread
        FROM measures
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
    ),
    compared AS
    (
        SELECT
            *,
            anyIf(figure, in_arm = base) OVER same_measure AS base_figure,
            anyIf(spread, in_arm = base) OVER same_measure AS base_spread,
            maxIf(requests_, in_arm = base) OVER same_measure AS base_requests,
            maxIf(users_, in_arm = base) OVER same_measure AS base_users,
            maxIf(days_, in_arm = base) OVER same_measure AS base_days
        FROM named
        WINDOW same_measure AS (PARTITION BY in_experiment, measure)
    )
SELECT
    in_experiment AS experiment,
    in_arm AS arm,
    base AS control,
    measure,
    multiIf(
        measure IN ('feedback', 'judge', 'confidence'), 'score', measure = 'cost', 'USD a request',
        measure LIKE 'latency%', 'ms', 'share'
    ) AS unit,
    figure AS value,
    base_figure AS control_value,
    value - control_value AS difference,
    difference - z * sqrt(pow(spread, 2) + pow(base_spread, 2)) AS low,
    difference + z * sqrt(pow(spread, 2) + pow(base_spread, 2)) AS high,
    multiIf(
        difference IS NULL, 'unknown',
        least(requests_, base_requests) < {requests:UInt64} OR days < {days:UInt64}
            OR least(users_, base_users) < {users:UInt64} OR low IS NULL, 'sample too small',
        low <= 0 AND high >= 0, 'no difference seen',
        (low > 0) = (measure IN ('feedback', 'judge', 'confidence')), 'better',
        'worse'
    ) AS verdict,
    requests_ AS requests,
    base_requests AS control_requests,
    users_ AS users,
    base_users AS control_users,
    least(days_, base_days) AS days
FROM compared
WHERE in_arm != base AND base_requests > 0
ORDER BY experiment, arm, indexOf(
    ['feedback', 'judge', 'confidence', 'cost', 'latency_p50', 'latency_p95', 'escalated', 'failed'],
    measure
)
SETTINGS join_use_nulls = 1
