-- Of very many rows some questions need few: opinions of people and judges, requests in experiments,
-- hops that followed another, shadow calls. Those lie apart as well, in projections with a condition
-- (which ClickHouse has since 2026). A query reads them if it names the condition, as the views do.
ALTER TABLE ${DATABASE}.quality ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS opinions
    (
        SELECT
            request_hash, at, signal, score, passed, label, tier, request_model, call_id
        WHERE signal != 'cascade_confidence'
        ORDER BY (signal, toStartOfHour(at))
    );
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS in_experiments
    (
        SELECT
            tenant, request_hash, requested_at, at, user_id, kind, cost, baseline_cost, latency_ms,
            confidence, tier, answer_model, tiers_tried, experiment, arm, final, repeat
        WHERE final AND repeat = 0 AND experiment != ''
        ORDER BY (experiment, toStartOfHour(at))
    );
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS climbs
    (
        SELECT
            request_hash, source_topic, source_partition, source_offset, at, hop, kind, final,
            repeat, tier, next_tier, confidence, cost
        WHERE repeat = 0 AND (kind = 'escalated' OR (final AND hop > 0))
        ORDER BY toStartOfHour(at)
    );
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS shadows
    (
        SELECT request_hash, call_id, at, propensity, purpose
        WHERE purpose = 'shadow'
        ORDER BY toStartOfHour(at)
    );
ALTER TABLE ${DATABASE}.quality ${ON_CLUSTER} MATERIALIZE PROJECTION opinions;
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER} MATERIALIZE PROJECTION in_experiments;
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER} MATERIALIZE PROJECTION climbs;
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MATERIALIZE PROJECTION shadows;

-- What was said of answers by others than the cascade itself.
CREATE OR REPLACE VIEW ${DATABASE}.opinions ${ON_CLUSTER} AS
SELECT request_hash, at, signal, score, passed, label, tier, request_model, call_id
FROM ${DATABASE}.quality
WHERE signal != 'cascade_confidence';

-- Ends of hops that went on to another tier or followed one that did.
CREATE OR REPLACE VIEW ${DATABASE}.climbs ${ON_CLUSTER} AS
SELECT
    request_hash, source_topic, source_partition, source_offset, at, hop, kind, tier, next_tier,
    confidence, cost
FROM ${DATABASE}.outcomes
WHERE repeat = 0 AND (kind = 'escalated' OR (final AND hop > 0));
