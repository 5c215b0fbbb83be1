-- Signals: the cascade's confidence of every answer, feedback on 2 %, a judge's word on 3 %.
INSERT INTO quality
(
    tenant, request_id, user_id, user_tier, feature, registry_version, experiment, arm, hop, visit,
    call_id, at, signal, name, score, passed, label, detail, tier, provider, request_model, worker,
    topic, partition, offset, appended_at, ingested_at
)
WITH
    arrayJoin(arrayConcat(
        if(climbs, [2], emptyArrayUInt8()), if(fails, emptyArrayUInt8(), [4]),
        if(cityHash64(number, 'told') % 50 = 0, [6], emptyArrayUInt8()),
        if(seen > 0.97, [7], emptyArrayUInt8())
    )) AS step,
    step > 2 AS ends,
    multiIf(step = 2, 0.3 + 0.2 * certain, step = 4, 0.6 + 0.4 * certain, round(certain, 1)) AS value
SELECT
    whose, id, who, 'standard', what_for, 'b7fa24c48323f90b', trial, branch,
    if(step = 6, NULL, toInt32(ends AND climbs)), if(step = 6, NULL, 0),
    if(step = 6, '', concat(id, '-', toString(if(ends AND climbs, 3, 1)))),
    if(ends, done, climbed_at),
    multiIf(step = 6, 'feedback', step = 7, 'judge', 'cascade_confidence'),
    multiIf(step = 6, 'thumb', step = 7, 'gpt-4o', 'checks'), value, value > 0.55, '',
    if(step < 6, '{"hedging":-0.0,"self_doubt":-0.0}', ''), if(ends, last_tier, first_tier),
    if(ends, last_provider, first_provider), if(ends, last_model, first_model), 'worker-1',
    'llm.events.quality.v1', place, toInt64(intDiv(number, 12)) * 8 + step, done, stored
FROM made(begin = {begin:Int64}, step = {step:Float64}, first = {first:UInt64}, count = {count:UInt64})
