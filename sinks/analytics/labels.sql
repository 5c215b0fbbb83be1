-- Which answers have a score, and where is their prompt?
--
-- One row for each request and model with a scored answer: the input of `sluice train --since`. Of
-- several signals on one answer the most trusted counts: golden, else the mean of its feedback,
-- else the mean of its judges. Golden and feedback refer to the answer that was sent, a judge to
-- the answer of the call that it names, shadow calls included.
--
-- column tenant [text]: whose request
-- column request_id [text]: its id
-- column requested_at [time]: broker time of the request
-- column tier [text]: tier of the answer
-- column model [text]: its model by its registry name
-- column signal [text]: golden, feedback or judge
-- column score [share]: 0..1, mean of the signals of this kind
-- column signals [count]: number of these signals
-- column propensity [share]: probability with which a shadow call was drawn; NULL for other calls
-- column topic [text]: request topic
-- column partition [count]: its partition
-- column offset [count]: its offset
-- column prompt [text]: the prompt, if the registry allows storing it; else empty
WITH
    signals_told AS
    (
        SELECT
            request_hash, at, call_id, toString(tier) AS told_tier,
            toString(request_model) AS told_model, toString(signal) AS kind, score AS value
        FROM opinions
        WHERE signal IN ('golden', 'feedback', 'judge') AND score IS NOT NULL
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    ),
    ended AS
    (
        SELECT
            request_hash, requested_at, toString(tier) AS last_tier, toString(model) AS sent_model
        FROM requests
        WHERE ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
            AND request_hash IN (SELECT request_hash FROM signals_told)
    ),
    -- Calls that brought an answer, each once; a deadline is at most 12 hours.
    asked AS
    (
        SELECT
            e.request_hash AS request_hash, e.requested_at AS requested_at,
            c.call_id AS call_id, any(toString(c.tier)) AS call_tier,
            any(toString(c.request_model)) AS call_model, max(c.at) AS answered_at,
            maxIf(c.propensity, c.purpose = 'shadow') AS drawn, any(c.purpose = 'answer') AS sent
        FROM
        (
            SELECT request_hash, call_id, tier, request_model, at, propensity, purpose
            FROM calls
            WHERE purpose IN ('answer', 'shadow') AND status = 'ok'
                AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
                AND request_hash IN (SELECT request_hash FROM signals_told)
        ) AS c
        ASOF INNER JOIN ended AS e
            ON c.request_hash = e.request_hash AND c.at >= e.requested_at
        GROUP BY request_hash, requested_at, call_id
    ),
    told AS
    (
        SELECT
            e.request_hash AS request_hash, e.requested_at AS requested_at, q.call_id AS call_id,
            q.told_tier AS told_tier, q.told_model AS told_model, q.kind AS kind, q.value AS value,
            e.last_tier AS last_tier, e.sent_model AS sent_model
        FROM signals_told AS q
        ASOF INNER JOIN ended AS e
            ON q.request_hash = e.request_hash AND q.at >= e.requested_at
    ),
    -- Who sent the answer: a degraded one is of another tier than the one where its request ended.
    senders AS
    (
        SELECT
            request_hash, requested_at, call_model AS sent_model,
            argMax(call_tier, answered_at) AS sent_tier
        FROM asked
        WHERE sent
        GROUP BY request_hash, requested_at, sent_model
    ),
    judged AS
    (
        SELECT
            request_hash, requested_at, kind, value, drawn,
            if(call_model IS NULL, told_tier, call_tier) AS of_tier,
            if(call_model IS NULL, told_model, call_model) AS of_model
        FROM (SELECT * FROM told WHERE kind = 'judge') AS judges
        LEFT JOIN asked USING (request_hash, requested_at, call_id)
        UNION ALL
        SELECT
            request_hash, requested_at, kind, value, NULL,
            if(sent_tier IS NULL, last_tier, sent_tier), sent_model
        FROM (SELECT * FROM told WHERE kind != 'judge') AS others
        LEFT JOIN senders USING (request_hash, requested_at, sent_model)
    ),
    scored AS
    (
        SELECT
            request_hash, requested_at, of_tier, of_model,
            multiIf(
                countIf(kind = 'golden') > 0, 'golden', countIf(kind = 'feedback') > 0, 'feedback',
                'judge'
            ) AS signal,
            multiIf(
                signal = 'golden', avgIf(value, kind = 'golden'),
                signal = 'feedback', avgIf(value, kind = 'feedback'),
                avg(value)
            ) AS score,
            multiIf(
                signal = 'golden', countIf(kind = 'golden'),
                signal = 'feedback', countIf(kind = 'feedback'),
                count()
            ) AS signals,
            max(drawn) AS propensity
        FROM judged
        WHERE of_tier != '' AND of_model != ''
        GROUP BY request_hash, requested_at, of_tier, of_model
    )
SELECT
    tenant, request_id, requested_at, of_tier AS tier, of_model AS model, signal, score, signals,
    propensity, toString(source_topic) AS topic, source_partition AS partition,
    source_offset AS offset, prompt
FROM scored
INNER JOIN
(
    SELECT
        tenant, request_id, request_hash, requested_at, source_topic, source_partition,
        source_offset, prompt
    FROM requests
    WHERE ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
        AND request_hash IN (SELECT request_hash FROM signals_told)
) AS places USING (request_hash, requested_at)
ORDER BY requested_at, tenant, request_id, tier, model
SETTINGS join_use_nulls = 1
