-- What happened to one request, from its first call to its last signal?
--
-- param request_id: the request's id
-- param tenant = : its tenant; empty is any
-- column at [time]: time of the record
-- column tenant [text]: whose request
-- column record [text]: journal, call or signal
-- column hop [count]: hop; NULL for the whole request
-- column tier [text]: tier
-- column what [text]: kind of the journal record, purpose of the call, kind of the signal
-- column model [text]: model by its registry name
-- column instance [text]: instance of the model
-- column status [text]: status of a call, an error code, or pass or fail
-- column score [share]: confidence of an answer, or the signal's score, 0..1
-- column cost [USD]: of a call; in a journal record: all calls so far
-- column latency_ms [ms]: of a call; in a journal record: since the request arrived
-- column repeat [count]: 1 for a duplicate that does not count
-- column detail [text]: reasons of the decision, finish reason, or the signal's name
SELECT *
FROM
(
    SELECT
        o.at AS at, toString(o.tenant) AS tenant, 'journal' AS record, toNullable(o.hop) AS hop,
        toString(o.tier) AS tier, toString(o.kind) AS what,
        if(o.final, toString(o.answer_model), toString(o.request_model)) AS model,
        toString(o.instance) AS instance, toString(o.error_code) AS status,
        o.confidence AS score, o.cost AS cost, o.latency_ms AS latency_ms, o.repeat AS repeat,
        arrayStringConcat(o.reasons, '; ') AS detail
    FROM outcomes AS o
    WHERE o.request_id = {request_id:String}
        AND ({tenant:String} = '' OR o.tenant = {tenant:String})
    UNION ALL
    SELECT
        c.at, toString(c.tenant), 'call', toNullable(c.hop), toString(c.tier), toString(c.purpose),
        toString(c.request_model), toString(c.instance), toString(c.status), NULL, c.cost,
        c.latency_ms, c.repeat, toString(c.finish_reason)
    FROM calls AS c
    WHERE c.request_id = {request_id:String}
        AND ({tenant:String} = '' OR c.tenant = {tenant:String})
    UNION ALL
    SELECT
        q.at, toString(q.tenant), 'signal', q.hop, toString(q.tier), toString(q.signal),
        toString(q.request_model), '',
        multiIf(q.passed IS NULL, '', ifNull(q.passed, false), 'pass', 'fail'), q.score,
        NULL, NULL, 0, if(q.label IN ('', q.name), toString(q.name), concat(q.name, ': ', q.label))
    FROM quality AS q
    WHERE q.request_id = {request_id:String}
        AND ({tenant:String} = '' OR q.tenant = {tenant:String})
)
ORDER BY at, ifNull(hop, 1000), record = 'journal' AND what != 'started', record = 'signal'
