-- One row per request: its first terminal outcome. Cost is what its calls had cost by then; totals
-- of money come from spend.
CREATE VIEW IF NOT EXISTS ${DATABASE}.requests ${ON_CLUSTER} AS
SELECT
    tenant, request_id, kind AS status, requested_at, at AS ended_at,
    latency_ms, provider_ms, decided_tier, tier, answer_model AS model,
    answer_provider AS provider, tiers_tried, calls, fallbacks, cost, baseline_model, baseline_cost,
    baseline_cost - cost AS saved, input_tokens, output_tokens, confidence, degraded,
    finish_reason, undeliverable, error_code, error_message, user_id, user_tier, feature,
    quality, classifier, score, pinned_model, reasons, registry_version, code_version, artifact,
    experiment, arm, propensity, decision_inputs, prompt, answer, source_topic, source_partition,
    source_offset
FROM ${DATABASE}.outcomes
WHERE final AND repeat = 0;

-- Money and calls: sum(cost) is all that was spent, sum(counted) the number of calls. Every row of
-- calls is here; of two rows of one call only the first has counted = 1.
CREATE VIEW IF NOT EXISTS ${DATABASE}.spend ${ON_CLUSTER} AS
SELECT
    at, tenant, request_id, call_id, purpose, tier, provider, request_model, response_model,
    instance, user_id, user_tier, feature, registry_version, experiment, arm, status, cost,
    input_tokens, output_tokens, latency_ms, toUInt8(repeat = 0) AS counted
FROM ${DATABASE}.calls;
