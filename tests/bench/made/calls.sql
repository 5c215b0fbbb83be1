-- Provider calls: the answering ones, those that failed and were followed by another, shadows of 2 %
-- and judges of 3 %. One in a hundred thousand was booked as interrupted before it was known.
INSERT INTO calls
(
    tenant, request_id, user_id, user_tier, feature, registry_version, experiment, arm, hop, visit,
    call_id, purpose, propensity, at, started_at, tier, provider, request_model, response_model,
    instance, status, http_status, finish_reason, input_tokens, output_tokens, cache_read_tokens,
    cost, price_source, latency_ms, worker, incarnation, late, repeat, topic, partition, offset,
    appended_at, ingested_at
)
WITH
    cityHash64(number, 'cut') % 100000 = 0 AS cut,
    arrayJoin(arrayConcat(
        [1], if(climbs, [3], emptyArrayUInt8()), if(falls_back, [2], emptyArrayUInt8()),
        if(seen < 0.02, [6], emptyArrayUInt8()), if(seen > 0.97, [7], emptyArrayUInt8()),
        if(cut, [8], emptyArrayUInt8())
    )) AS step,
    step = 2 OR (step = 1 AND fails) AS failed,
    step = 3 AS after,
    step = 1 AND cut AS interrupted
SELECT
    whose, id, who, 'standard', what_for, 'b7fa24c48323f90b', trial, branch,
    toInt32(step >= 3 AND step < 8 AND climbs), 0,
    concat(id, '-', toString(if(step = 8, 1, step))),
    multiIf(step = 6, 'shadow', step = 7, 'judge', 'answer'), if(step = 6, 0.02, NULL),
    if(step >= 3, done, climbed_at), asked, if(after, last_tier, first_tier),
    if(after, last_provider, first_provider), if(after, last_model, first_model),
    if(after, last_model, first_model), 'one',
    multiIf(interrupted, 'interrupted', failed, 'server', 'ok'), if(failed, 500, 200),
    if(failed OR interrupted, '', 'stop'), if(failed OR interrupted, NULL, tokens_in),
    if(failed OR interrupted, NULL, tokens_out), if(certain < 0.2, intDiv(tokens_in, 2), NULL),
    multiIf(interrupted OR unknown, NULL, failed, toDecimal64(0, 9), after, last_cost, first_cost),
    if(failed, 'unbilled', 'genai-prices'), if(interrupted, NULL, if(after, took_ms - first_ms, first_ms)),
    'worker-1', 'b5a0f21c9d3e', false, step = 8, 'llm.events.cost.v1', place,
    toInt64(intDiv(number, 12)) * 8 + step, done, stored
FROM made(begin = {begin:Int64}, step = {step:Float64}, first = {first:UInt64}, count = {count:UInt64})
