-- Standard names for three views. The former names remain as aliases: spend_by_payer, ends_by_hour
-- and climbs read the new views, and are removed in a later release.

-- Calls and cost by hour, tenant, feature, user tier and purpose, for any range. Whole hours are read
-- from the projection, the rest of the first and the last hour from rows. Sum over the rows: `calls`
-- is negative in a row that replaces one counted before.
CREATE VIEW IF NOT EXISTS ${DATABASE}.spend_by_subject ${ON_CLUSTER} AS
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

CREATE OR REPLACE VIEW ${DATABASE}.spend_by_payer ${ON_CLUSTER} AS
SELECT * FROM ${DATABASE}.spend_by_subject(
    since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
);

-- Terminal outcomes by hour, kind, tiers and classifier, for any range.
CREATE VIEW IF NOT EXISTS ${DATABASE}.outcomes_hourly ${ON_CLUSTER} AS
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

CREATE OR REPLACE VIEW ${DATABASE}.ends_by_hour ${ON_CLUSTER} AS
SELECT * FROM ${DATABASE}.outcomes_hourly(
    since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
);

-- Hops that escalated to another tier, and terminal outcomes of requests that escalated before.
CREATE VIEW IF NOT EXISTS ${DATABASE}.escalations ${ON_CLUSTER} AS
SELECT
    request_hash, source_topic, source_partition, source_offset, at, hop, kind, tier, next_tier,
    confidence, cost
FROM ${DATABASE}.outcomes
WHERE repeat = 0 AND (kind = 'escalated' OR (final AND hop > 0));

CREATE OR REPLACE VIEW ${DATABASE}.climbs ${ON_CLUSTER} AS
SELECT * FROM ${DATABASE}.escalations;
