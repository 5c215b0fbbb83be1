-- Money and calls: one row per call, so count() is the number of calls and sum(cost) all that was
-- spent. A call that was booked as interrupted, cost unknown, is shown by its real row once that is
-- there; other repeats of a call are left out. A cost that stays NULL is unknown, never zero.
CREATE OR REPLACE VIEW ${DATABASE}.spend ${ON_CLUSTER} AS
SELECT
    at, started_at, tenant, request_id, hop, visit, call_id, purpose, tier, provider, request_model,
    response_model, instance, status, http_status, finish_reason, cost, price_source, input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, latency_ms, worker,
    late, user_id, user_tier, feature, registry_version, experiment, arm
FROM ${DATABASE}.calls
WHERE repeat = 0 AND (cost IS NOT NULL OR call_id NOT IN (
    SELECT call_id FROM ${DATABASE}.calls WHERE repeat = 1 AND cost IS NOT NULL
))
UNION ALL
SELECT
    at, started_at, tenant, request_id, hop, visit, call_id, purpose, tier, provider, request_model,
    response_model, instance, status, http_status, finish_reason, cost, price_source, input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, latency_ms, worker,
    late, user_id, user_tier, feature, registry_version, experiment, arm
FROM ${DATABASE}.calls
WHERE repeat = 1 AND cost IS NOT NULL AND call_id IN (
    SELECT call_id FROM ${DATABASE}.calls WHERE repeat = 0 AND cost IS NULL
)
LIMIT 1 BY call_id;
