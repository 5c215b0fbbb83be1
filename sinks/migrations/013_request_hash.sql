-- A request's name as one number, so that questions which put signals, calls and ends together
-- compare 8 bytes instead of two texts. Two of ten million requests share a number with a
-- probability of 3 in a million, and then one's signal is counted for the other. No sum of money
-- goes by it.
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS request_hash UInt64 MATERIALIZED cityHash64(tenant, request_id)
        COMMENT 'tenant and request_id as one number' AFTER request_id;
ALTER TABLE ${DATABASE}.quality ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS request_hash UInt64 MATERIALIZED cityHash64(tenant, request_id)
        COMMENT 'tenant and request_id as one number' AFTER request_id;
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS request_hash UInt64 MATERIALIZED cityHash64(tenant, request_id)
        COMMENT 'tenant and request_id as one number' AFTER request_id;
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER} MATERIALIZE COLUMN request_hash;
ALTER TABLE ${DATABASE}.quality ${ON_CLUSTER} MATERIALIZE COLUMN request_hash;
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MATERIALIZE COLUMN request_hash;

-- One row per request: its first terminal outcome. Cost is what its calls had cost by then; totals
-- of money come from spend.
CREATE OR REPLACE VIEW ${DATABASE}.requests ${ON_CLUSTER} AS
SELECT
    tenant, request_id, request_hash, kind AS status, requested_at, at AS ended_at,
    latency_ms, provider_ms, calls_ms, waited, decided_tier, tier, answer_model AS model,
    answer_provider AS provider, answer_tier, tiers_tried, calls, fallbacks, cost, baseline_model,
    baseline_cost, baseline_cost - cost AS saved, input_tokens, output_tokens, confidence, degraded,
    finish_reason, undeliverable, error_code, error_message, user_id, user_tier, feature,
    quality, classifier, score, pinned_model, reasons, registry_version, code_version, artifact,
    experiment, arm, propensity, decision_inputs, prompt, answer, source_topic, source_partition,
    source_offset
FROM ${DATABASE}.outcomes
WHERE final AND repeat = 0;

-- Money and calls: one row per call, so count() is the number of calls and sum(cost) all that was
-- spent. A call that was booked as interrupted, cost unknown, is shown by its real row once that is
-- there, which is within the hour; other repeats of a call are left out. A cost that stays NULL is
-- unknown, never zero.
CREATE OR REPLACE VIEW ${DATABASE}.spend ${ON_CLUSTER} AS
WITH
    later AS
    (
        SELECT
            call_id, tenant, tier, request_id,
            toStartOfHour(at) - INTERVAL arrayJoin([0, 1]) HOUR AS hour
        FROM ${DATABASE}.calls
        WHERE repeat = 1 AND cost IS NOT NULL
    ),
    replaced AS
    (
        SELECT call_id
        FROM ${DATABASE}.calls
        WHERE repeat = 0 AND cost IS NULL
            AND (toStartOfHour(at), tenant, tier, request_id)
                IN (SELECT hour, tenant, tier, request_id FROM later)
            AND call_id IN (SELECT call_id FROM later)
    )
SELECT
    at, started_at, tenant, request_id, request_hash, hop, visit, call_id, purpose, propensity, tier,
    provider, request_model, response_model, instance, status, http_status, finish_reason, cost,
    price_source, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
    reasoning_tokens, latency_ms, worker, late, user_id, user_tier, feature, registry_version,
    experiment, arm
FROM ${DATABASE}.calls
WHERE repeat = 0 AND (cost IS NOT NULL OR call_id NOT IN (SELECT call_id FROM replaced))
UNION ALL
SELECT
    at, started_at, tenant, request_id, request_hash, hop, visit, call_id, purpose, propensity, tier,
    provider, request_model, response_model, instance, status, http_status, finish_reason, cost,
    price_source, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
    reasoning_tokens, latency_ms, worker, late, user_id, user_tier, feature, registry_version,
    experiment, arm
FROM
(
    SELECT *, request_hash
    FROM ${DATABASE}.calls
    WHERE repeat = 1 AND cost IS NOT NULL AND call_id IN (SELECT call_id FROM replaced)
    LIMIT 1 BY call_id
);
