-- Which calls have no known cost, and why?
--
-- The reason is interrupted (cut off by a crash of Sluice), no usage (the call ended without token
-- counts), or no price (none is known for the model).
--
-- param limit = 1000: most rows
-- column at [time]: end of the call, or detection of the crash
-- column why [text]: interrupted, no usage or no price
-- column tenant [text]: tenant that is charged
-- column request_id [text]: its request
-- column call_id [text]: the call
-- column purpose [text]: answer, classify, judge, shadow or replay
-- column provider [text]: provider by name
-- column model [text]: model by its registry name
-- column instance [text]: instance of the model
-- column status [text]: status of the call
-- column input_tokens [tokens]: where reported
-- column output_tokens [tokens]: where reported
SELECT
    s.at AS at,
    multiIf(s.status = 'interrupted', 'interrupted', s.input_tokens IS NULL, 'no usage', 'no price')
        AS why,
    s.tenant AS tenant, s.request_id AS request_id, s.call_id AS call_id, s.purpose AS purpose,
    s.provider AS provider, s.request_model AS model, s.instance AS instance, s.status AS status,
    s.input_tokens AS input_tokens, s.output_tokens AS output_tokens
FROM calls AS s
WHERE s.cost IS NULL AND s.repeat = 0 AND s.call_id NOT IN (SELECT call_id FROM replaced_calls)
    AND s.at >= {since:DateTime64(3, 'UTC')} AND s.at < {until:DateTime64(3, 'UTC')}
ORDER BY toStartOfHour(s.at) DESC, s.at DESC, s.call_id
LIMIT {limit:UInt32}
