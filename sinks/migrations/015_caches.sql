-- What providers' caches spare, by the hour: of answered calls, those that read from one apart.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS by_cache
    (
        SELECT
            toStartOfHour(at), repeat, status, provider, request_model,
            ifNull(cache_read_tokens, 0) > 0, countIf(input_tokens IS NOT NULL),
            sum(input_tokens), sumIf(cache_read_tokens, input_tokens IS NOT NULL),
            sumIf(cost, input_tokens IS NOT NULL),
            sumIf(input_tokens + ifNull(output_tokens, 0), cost IS NOT NULL),
            quantilesDDStateIf(0.01, 0.5)(latency_ms, input_tokens IS NOT NULL)
        GROUP BY
            toStartOfHour(at), repeat, status, provider, request_model,
            ifNull(cache_read_tokens, 0) > 0
    );
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MATERIALIZE PROJECTION by_cache;

-- Answered calls with known tokens, likewise for any range.
CREATE OR REPLACE VIEW ${DATABASE}.spend_by_cache ${ON_CLUSTER} AS
WITH
    toStartOfHour({since:DateTime64(3, 'UTC')} + INTERVAL 3599999 MILLISECOND) AS first_hour,
    toStartOfHour({until:DateTime64(3, 'UTC')}) AS end_hour
SELECT
    toStartOfHour(at) AS hour, status, provider, request_model,
    ifNull(cache_read_tokens, 0) > 0 AS cached,
    toInt64(countIf(input_tokens IS NOT NULL)) AS calls, sum(input_tokens) AS tokens_in,
    sumIf(cache_read_tokens, input_tokens IS NOT NULL) AS tokens_cached,
    sumIf(cost, input_tokens IS NOT NULL) AS cost_known,
    sumIf(input_tokens + ifNull(output_tokens, 0), cost IS NOT NULL) AS priced_tokens,
    quantilesDDStateIf(0.01, 0.5)(latency_ms, input_tokens IS NOT NULL) AS pace
FROM ${DATABASE}.calls
WHERE repeat = 0 AND status = 'ok' AND toStartOfHour(at) >= first_hour
    AND toStartOfHour(at) < end_hour
GROUP BY
    toStartOfHour(at), status, provider, request_model, ifNull(cache_read_tokens, 0) > 0
UNION ALL
SELECT
    toStartOfHour(at) AS hour, status, provider, request_model,
    ifNull(cache_read_tokens, 0) > 0 AS cached,
    toInt64(countIf(input_tokens IS NOT NULL)) AS calls, sum(input_tokens) AS tokens_in,
    sumIf(cache_read_tokens, input_tokens IS NOT NULL) AS tokens_cached,
    sumIf(cost, input_tokens IS NOT NULL) AS cost_known,
    sumIf(input_tokens + ifNull(output_tokens, 0), cost IS NOT NULL) AS priced_tokens,
    quantilesDDStateIf(0.01, 0.5)(latency_ms, input_tokens IS NOT NULL) AS pace
FROM ${DATABASE}.calls
WHERE repeat = 0 AND status = 'ok' AND at >= {since:DateTime64(3, 'UTC')}
    AND at < {until:DateTime64(3, 'UTC')}
    AND (toStartOfHour(at) < first_hour OR toStartOfHour(at) >= end_hour)
GROUP BY
    toStartOfHour(at), status, provider, request_model, ifNull(cache_read_tokens, 0) > 0
UNION ALL
SELECT
    toStartOfHour(at) AS hour, status, provider, request_model,
    ifNull(cache_read_tokens, 0) > 0 AS cached,
    toInt64(countIf(input_tokens IS NOT NULL)) AS calls, sum(input_tokens) AS tokens_in,
    sumIf(cache_read_tokens, input_tokens IS NOT NULL) AS tokens_cached,
    sumIf(cost, input_tokens IS NOT NULL) AS cost_known,
    sumIf(input_tokens + ifNull(output_tokens, 0), cost IS NOT NULL) AS priced_tokens,
    quantilesDDStateIf(0.01, 0.5)(latency_ms, input_tokens IS NOT NULL) AS pace
FROM ${DATABASE}.corrected(
    since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
)
WHERE counted = 1 AND status = 'ok'
GROUP BY
    toStartOfHour(at), status, provider, request_model, ifNull(cache_read_tokens, 0) > 0;
