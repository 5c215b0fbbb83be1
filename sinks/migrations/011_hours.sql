-- Facts about a whole request stand on its end, so that no question has to put its hops together;
-- sums by the hour lie beside the rows, as projections, which can't disagree with them.
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS answer_tier LowCardinality(String)
        COMMENT 'of the model that answered, a degraded answer is of an earlier one'
        AFTER answer_provider,
    ADD COLUMN IF NOT EXISTS calls_ms Nullable(Float64)
        COMMENT 'time in all calls of the request up to here' AFTER provider_ms,
    ADD COLUMN IF NOT EXISTS waited Bool
        COMMENT 'it lay on a wait topic for want of capacity' AFTER calls_ms;

-- Repeats are few: this finds them without reading the others.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD INDEX IF NOT EXISTS by_repeat repeat TYPE minmax GRANULARITY 1;

-- Money by who pays.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS by_payer
    (
        SELECT
            toStartOfHour(at), repeat, tenant, feature, user_tier, purpose, count(), sum(cost),
            count(cost), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens)
        GROUP BY toStartOfHour(at), repeat, tenant, feature, user_tier, purpose
    );

-- Money, ends and speed by who is paid. Quantiles are DDSketch's (Masson, Rim and Lee, VLDB 2019),
-- at most 1 % off.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS by_model
    (
        SELECT
            toStartOfHour(at), repeat, purpose, tier, provider, request_model, instance, status,
            count(), sum(cost), count(cost), sum(input_tokens), sum(output_tokens),
            sum(cache_read_tokens), sum(latency_ms), max(at),
            quantilesDDState(0.01, 0.5, 0.95, 0.99)(latency_ms),
            sumIf(output_tokens, latency_ms IS NOT NULL),
            sumIf(latency_ms, output_tokens IS NOT NULL)
        GROUP BY
            toStartOfHour(at), repeat, purpose, tier, provider, request_model, instance, status
    );

-- Ends of requests.
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS by_end
    (
        SELECT
            toStartOfHour(at), final, repeat, kind, decided_tier, tier, answer_tier, classifier,
            waited, count(), sumIf(cost, baseline_cost IS NOT NULL), count(cost),
            sumIf(baseline_cost, cost IS NOT NULL), count(baseline_cost),
            countIf(cost IS NOT NULL AND baseline_cost IS NOT NULL),
            quantilesDDState(0.01, 0.5, 0.95, 0.99)(latency_ms),
            quantilesDDState(0.01, 0.5, 0.95, 0.99)(calls_ms),
            quantilesDDState(0.01, 0.5, 0.95, 0.99)(greatest(latency_ms - calls_ms, 0)),
            sum(latency_ms), sum(calls_ms), countIf(latency_ms - calls_ms < 50)
        GROUP BY
            toStartOfHour(at), final, repeat, kind, decided_tier, tier, answer_tier, classifier,
            waited
    );

ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MATERIALIZE INDEX by_repeat;
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MATERIALIZE PROJECTION by_payer;
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MATERIALIZE PROJECTION by_model;
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER} MATERIALIZE PROJECTION by_end;

-- Calls that were booked with an unknown cost, and whose real row came later: the former counts -1,
-- where it lies, the latter 1, where it does. A real row comes within the hour.
CREATE VIEW IF NOT EXISTS ${DATABASE}.corrected ${ON_CLUSTER} AS
WITH
    later AS
    (
        SELECT
            call_id, tenant, tier, request_id,
            toStartOfHour(at) - INTERVAL arrayJoin([0, 1]) HOUR AS hour
        FROM ${DATABASE}.calls
        WHERE repeat = 1 AND cost IS NOT NULL
    ),
    both AS
    (
        SELECT *, max(repeat = 0) OVER (PARTITION BY call_id) AS was_unknown
        FROM ${DATABASE}.calls
        WHERE (repeat = 1) = (cost IS NOT NULL)
            AND (toStartOfHour(at), tenant, tier, request_id)
                IN (SELECT hour, tenant, tier, request_id FROM later)
            AND call_id IN (SELECT call_id FROM later)
    )
SELECT if(repeat = 0, toInt64(-1), toInt64(1)) AS counted, *
FROM both
WHERE was_unknown
    AND at >= {since:DateTime64(3, 'UTC')}
    AND at < {until:DateTime64(3, 'UTC')}
LIMIT 1 BY call_id, repeat;

-- Calls and money by the hour and who pays, for any range: whole hours come from the projection,
-- the rest of the first and the last hour from the rows. Sum over it; `calls` can be negative in a
-- row of its own.
CREATE VIEW IF NOT EXISTS ${DATABASE}.spend_by_payer ${ON_CLUSTER} AS
WITH
    toStartOfHour({since:DateTime64(3, 'UTC')} + INTERVAL 3599999 MILLISECOND) AS first_hour,
    toStartOfHour({until:DateTime64(3, 'UTC')}) AS end_hour
SELECT
    toStartOfHour(at) AS hour, tenant, feature, user_tier, purpose, toInt64(count()) AS calls,
    sum(cost) AS cost_known, toInt64(count(cost)) AS priced, sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out, sum(cache_read_tokens) AS tokens_cached
FROM ${DATABASE}.calls
WHERE repeat = 0 AND toStartOfHour(at) >= first_hour AND toStartOfHour(at) < end_hour
GROUP BY
    toStartOfHour(at), tenant, feature, user_tier, purpose
UNION ALL
SELECT
    toStartOfHour(at) AS hour, tenant, feature, user_tier, purpose, toInt64(count()) AS calls,
    sum(cost) AS cost_known, toInt64(count(cost)) AS priced, sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out, sum(cache_read_tokens) AS tokens_cached
FROM ${DATABASE}.calls
WHERE repeat = 0 AND at >= {since:DateTime64(3, 'UTC')}
    AND at < {until:DateTime64(3, 'UTC')}
    AND (toStartOfHour(at) < first_hour OR toStartOfHour(at) >= end_hour)
GROUP BY
    toStartOfHour(at), tenant, feature, user_tier, purpose
UNION ALL
SELECT
    toStartOfHour(at) AS hour, tenant, feature, user_tier, purpose, sum(counted) AS calls,
    sum(cost) AS cost_known, toInt64(count(cost)) AS priced, sum(input_tokens) AS tokens_in,
    sum(output_tokens) AS tokens_out, sum(cache_read_tokens) AS tokens_cached
FROM ${DATABASE}.corrected(
    since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
)
GROUP BY
    toStartOfHour(at), tenant, feature, user_tier, purpose;

-- Calls, money, ends and speed by the hour and who is paid, likewise.
CREATE VIEW IF NOT EXISTS ${DATABASE}.spend_by_model ${ON_CLUSTER} AS
WITH
    toStartOfHour({since:DateTime64(3, 'UTC')} + INTERVAL 3599999 MILLISECOND) AS first_hour,
    toStartOfHour({until:DateTime64(3, 'UTC')}) AS end_hour
SELECT
    toStartOfHour(at) AS hour, purpose, tier, provider, request_model, instance, status,
    toInt64(count()) AS calls, sum(cost) AS cost_known, toInt64(count(cost)) AS priced,
    sum(input_tokens) AS tokens_in, sum(output_tokens) AS tokens_out,
    sum(cache_read_tokens) AS tokens_cached, max(at) AS last_at,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(latency_ms) AS pace,
    sumIf(output_tokens, latency_ms IS NOT NULL) AS timed_tokens,
    sumIf(latency_ms, output_tokens IS NOT NULL) AS timed_ms
FROM ${DATABASE}.calls
WHERE repeat = 0 AND toStartOfHour(at) >= first_hour AND toStartOfHour(at) < end_hour
GROUP BY
    toStartOfHour(at), purpose, tier, provider, request_model, instance, status
UNION ALL
SELECT
    toStartOfHour(at) AS hour, purpose, tier, provider, request_model, instance, status,
    toInt64(count()) AS calls, sum(cost) AS cost_known, toInt64(count(cost)) AS priced,
    sum(input_tokens) AS tokens_in, sum(output_tokens) AS tokens_out,
    sum(cache_read_tokens) AS tokens_cached, max(at) AS last_at,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(latency_ms) AS pace,
    sumIf(output_tokens, latency_ms IS NOT NULL) AS timed_tokens,
    sumIf(latency_ms, output_tokens IS NOT NULL) AS timed_ms
FROM ${DATABASE}.calls
WHERE repeat = 0 AND at >= {since:DateTime64(3, 'UTC')}
    AND at < {until:DateTime64(3, 'UTC')}
    AND (toStartOfHour(at) < first_hour OR toStartOfHour(at) >= end_hour)
GROUP BY
    toStartOfHour(at), purpose, tier, provider, request_model, instance, status
UNION ALL
SELECT
    toStartOfHour(at) AS hour, purpose, tier, provider, request_model, instance, status,
    sum(counted) AS calls, sum(cost) AS cost_known, toInt64(count(cost)) AS priced,
    sum(input_tokens) AS tokens_in, sum(output_tokens) AS tokens_out,
    sum(cache_read_tokens) AS tokens_cached, max(at) AS last_at,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(latency_ms) AS pace,
    sumIf(output_tokens, latency_ms IS NOT NULL) AS timed_tokens,
    sumIf(latency_ms, output_tokens IS NOT NULL) AS timed_ms
FROM ${DATABASE}.corrected(
    since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
)
GROUP BY
    toStartOfHour(at), purpose, tier, provider, request_model, instance, status;

-- Ends of requests by the hour, likewise.
CREATE VIEW IF NOT EXISTS ${DATABASE}.ends_by_hour ${ON_CLUSTER} AS
WITH
    toStartOfHour({since:DateTime64(3, 'UTC')} + INTERVAL 3599999 MILLISECOND) AS first_hour,
    toStartOfHour({until:DateTime64(3, 'UTC')}) AS end_hour
SELECT
    toStartOfHour(at) AS hour, kind, decided_tier, tier, answer_tier, classifier, waited,
    count() AS requests, sumIf(cost, baseline_cost IS NOT NULL) AS compared_cost,
    count(cost) AS costs, sumIf(baseline_cost, cost IS NOT NULL) AS compared_baseline,
    count(baseline_cost) AS baselines,
    countIf(cost IS NOT NULL AND baseline_cost IS NOT NULL) AS compared,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(latency_ms) AS latency_pace,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(calls_ms) AS calls_pace,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(greatest(latency_ms - calls_ms, 0)) AS overhead_pace,
    sum(latency_ms) AS latency_total, sum(calls_ms) AS calls_total,
    countIf(latency_ms - calls_ms < 50) AS quick
FROM ${DATABASE}.outcomes
WHERE final AND repeat = 0 AND toStartOfHour(at) >= first_hour AND toStartOfHour(at) < end_hour
GROUP BY
    toStartOfHour(at), kind, decided_tier, tier, answer_tier, classifier, waited
UNION ALL
SELECT
    toStartOfHour(at) AS hour, kind, decided_tier, tier, answer_tier, classifier, waited,
    count() AS requests, sumIf(cost, baseline_cost IS NOT NULL) AS compared_cost,
    count(cost) AS costs, sumIf(baseline_cost, cost IS NOT NULL) AS compared_baseline,
    count(baseline_cost) AS baselines,
    countIf(cost IS NOT NULL AND baseline_cost IS NOT NULL) AS compared,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(latency_ms) AS latency_pace,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(calls_ms) AS calls_pace,
    quantilesDDState(0.01, 0.5, 0.95, 0.99)(greatest(latency_ms - calls_ms, 0)) AS overhead_pace,
    sum(latency_ms) AS latency_total, sum(calls_ms) AS calls_total,
    countIf(latency_ms - calls_ms < 50) AS quick
FROM ${DATABASE}.outcomes
WHERE final AND repeat = 0 AND at >= {since:DateTime64(3, 'UTC')}
    AND at < {until:DateTime64(3, 'UTC')}
    AND (toStartOfHour(at) < first_hour OR toStartOfHour(at) >= end_hour)
GROUP BY
    toStartOfHour(at), kind, decided_tier, tier, answer_tier, classifier, waited;
