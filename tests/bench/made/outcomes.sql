-- Journal records: a call begun, a tier left, an end; one end in ten thousand twice.
INSERT INTO outcomes
(
    tenant, request_id, user_id, user_tier, feature, registry_version, code_version, experiment,
    arm, hop, visit, kind, final, at, worker, incarnation, source_topic, source_partition,
    source_offset, requested_at, call_id, purpose, tier, next_tier, request_model, provider,
    instance, quality, deadline_at, classifier, score, decided_tier, reasons, propensity,
    decision_inputs, answer_model, answer_provider, answer_tier, calls_ms, tiers_tried, calls,
    cost, baseline_model, baseline_cost, input_tokens, output_tokens, confidence, finish_reason, latency_ms, provider_ms,
    fallbacks, reply_topic, error_code, repeat, topic, partition, offset, appended_at, ingested_at
)
WITH
    arrayJoin(arrayConcat(
        [1], if(climbs, [2, 3], emptyArrayUInt8()), [4], if(twice, [5], emptyArrayUInt8())
    )) AS step,
    step IN (1, 3) AS begins,
    step >= 4 AS ends,
    ends AND NOT fails AS answers,
    step >= 3 AND climbs AS after
SELECT
    whose, id, who, 'standard', what_for, 'b7fa24c48323f90b', '3', trial,
    branch, toInt32(after), 0,
    multiIf(begins, 'started', step = 2, 'escalated', fails, 'failed', 'replied'), ends,
    multiIf(step = 1, asked, step < 4, climbed_at, done), 'worker-1', 'b5a0f21c9d3e',
    'llm.requests.v1', place,
    toInt64(intDiv(number, 12)), asked, if(begins, concat(id, '-', toString(step)), ''),
    if(begins, 'answer', ''), if(after OR ends, last_tier, first_tier),
    if(step = 2, last_tier, ''), if(begins, if(after, last_model, first_model), ''),
    if(begins, if(after, last_provider, first_provider), ''), if(begins, 'one', ''), 'balanced',
    asked + INTERVAL 10 MINUTE, if(begins, '', 'rules'), if(begins, NULL, complexity),
    if(begins, '', first_tier), if(begins, [], ['short', 'asks for a fact']),
    if(trial = '' OR begins, NULL, 0.5),
    if(begins, '', concat(
        '{"features":{"code":0.1,"length":0.42,"math":0,"questions":1,"tokens":',
        toString(tokens_in), '},"hops":[{"hop":0,"registry":"b7fa24c48323f90b","steps":[{"at":',
        toString(asked_ms), ',"candidates":[["gpt-4o-mini","one"]],"costs":{"gpt-4o-mini":',
        toString(first_cost), '},"excluded":[],"time_left_ms":599000.0},{"call":"', id,
        '","confidence":', toString(round(certain, 2)),
        ',"faults":[],"parts":{"hedging":-0.0,"self_doubt":-0.0},"why":"reaches 0.6"}]}]}'
    )),
    if(answers, last_model, ''), if(answers, last_provider, ''), if(answers, last_tier, ''),
    if(begins, NULL, if(step = 2, first_ms - 6, took_ms - 6 - 10 * seen)),
    if(ends, arrayDistinct([first_tier, last_tier]), []),
    if(ends, 1 + climbs + falls_back, toUInt8(step = 2)),
    if(begins OR unknown, NULL, first_cost + if(after, last_cost, toDecimal64(0, 9))), 'gpt-4o',
    if(answers, baseline, NULL), if(answers, tokens_in, NULL), if(answers, tokens_out, NULL),
    if(begins OR fails, NULL, if(step = 2, 0.3 + 0.2 * certain, 0.6 + 0.4 * certain)),
    if(answers, 'stop', ''), multiIf(ends, took_ms, step = 2, first_ms, NULL),
    multiIf(ends, took_ms - 6 - 10 * seen, step = 2, first_ms - 6, NULL), falls_back,
    if(ends, 'llm.replies.v1', ''), if(ends AND fails, 'all_models_failed', ''), step = 5,
    'llm.events.outcomes.v1', place, toInt64(intDiv(number, 12)) * 5 + step, done, stored
FROM made(begin = {begin:Int64}, step = {step:Float64}, first = {first:UInt64}, count = {count:UInt64})
