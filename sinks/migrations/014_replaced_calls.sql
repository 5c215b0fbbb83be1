-- Calls whose row was written twice because a crash hid their end are few. Each part of the table
-- keeps them together, as one row of a projection, so that no question has to look for them.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD PROJECTION IF NOT EXISTS interrupted_or_again
    (
        SELECT
            topic,
            groupArrayIf(
                (
                    repeat, call_id, at, tenant, request_id, user_id, user_tier, feature, purpose,
                    tier, provider, request_model, instance, status, cost, input_tokens,
                    output_tokens, cache_read_tokens, latency_ms
                ),
                (repeat = 1) = (cost IS NOT NULL) AND (repeat = 1 OR status = 'interrupted')
            )
        GROUP BY topic
    );
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MATERIALIZE PROJECTION interrupted_or_again;

-- Calls that were booked as interrupted, their cost unknown, and whose real row came later: the
-- former counts -1, where it lies, the latter 1, where it does.
CREATE OR REPLACE VIEW ${DATABASE}.replaced_calls ${ON_CLUSTER} AS
WITH
    odd AS
    (
        SELECT
            arrayJoin(groupArrayIf(
                (
                    repeat, call_id, at, tenant, request_id, user_id, user_tier, feature, purpose,
                    tier, provider, request_model, instance, status, cost, input_tokens,
                    output_tokens, cache_read_tokens, latency_ms
                ),
                (repeat = 1) = (cost IS NOT NULL) AND (repeat = 1 OR status = 'interrupted')
            )) AS row
        FROM ${DATABASE}.calls
    ),
    both AS
    (
        SELECT
            if(row.1 = 0, toInt64(-1), toInt64(1)) AS counted, row.1 AS repeat, row.2 AS call_id,
            row.3 AS at, row.4 AS tenant, row.5 AS request_id, row.6 AS user_id,
            row.7 AS user_tier, row.8 AS feature, row.9 AS purpose, row.10 AS tier,
            row.11 AS provider, row.12 AS request_model, row.13 AS instance, row.14 AS status,
            row.15 AS cost, row.16 AS input_tokens, row.17 AS output_tokens,
            row.18 AS cache_read_tokens, row.19 AS latency_ms,
            uniqExact(repeat) OVER (PARTITION BY call_id) AS kinds
        FROM odd
    )
SELECT * EXCEPT (kinds)
FROM both
WHERE kinds = 2
LIMIT 1 BY call_id, repeat;

-- The same of a range.
CREATE OR REPLACE VIEW ${DATABASE}.corrected ${ON_CLUSTER} AS
SELECT *
FROM ${DATABASE}.replaced_calls
WHERE at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')};

-- Money and calls: one row per call, so count() is the number of calls and sum(cost) all that was
-- spent. A call that was booked as interrupted, cost unknown, is shown by its real row once that is
-- there; other repeats of a call are left out. A cost that stays NULL is unknown, never zero.
CREATE OR REPLACE VIEW ${DATABASE}.spend ${ON_CLUSTER} AS
WITH replaced AS (SELECT * FROM ${DATABASE}.replaced_calls WHERE repeat = 1)
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
        AND (toStartOfHour(at), tenant, tier, request_id)
            IN (SELECT toStartOfHour(at), tenant, tier, request_id FROM replaced)
    LIMIT 1 BY call_id
);

-- The same for sums over few columns: sum(counted) is the number of calls, sum(cost) the money.
CREATE OR REPLACE VIEW ${DATABASE}.counted_calls ${ON_CLUSTER} AS
SELECT
    toInt64(1) AS counted, at, tenant, request_hash, call_id, user_id, user_tier, feature, purpose,
    tier, provider, request_model, instance, status, cost, input_tokens, output_tokens,
    cache_read_tokens, latency_ms
FROM ${DATABASE}.calls
WHERE repeat = 0
UNION ALL
SELECT
    counted, at, tenant, cityHash64(tenant, request_id) AS request_hash, call_id, user_id,
    user_tier, feature, purpose, tier, provider, request_model, instance, status, cost,
    input_tokens, output_tokens, cache_read_tokens, latency_ms
FROM ${DATABASE}.replaced_calls;
