WITH
    -- The run's requests, each once, with the model whose answer was sent.
    replayed AS
    (
        SELECT
            r.tenant AS tenant, r.request_id AS request_id, r.requested_at AS requested_at,
            toString(r.source_topic) AS topic, r.source_partition AS partition,
            r.source_offset AS offset, toString(q.model) AS sent_model
        FROM
        (
            SELECT tenant, request_id, requested_at, source_topic, source_partition, source_offset
            FROM replay_decisions
            WHERE run_id = {run:String} AND kind = 'decision'
            ORDER BY offset
            LIMIT 1 BY source_topic, source_partition, source_offset
        ) AS r
        LEFT JOIN requests AS q
            ON r.source_topic = q.source_topic AND r.source_partition = q.source_partition
            AND r.source_offset = q.source_offset
    ),
    -- Answers, each call once; a deadline is at most 12 hours.
    answers AS
    (
        SELECT
            r.topic AS topic, r.partition AS partition, r.offset AS offset, c.call_id AS call_id,
            any(toString(c.request_model)) AS model, max(c.at) AS answered_at,
            any(c.purpose = 'shadow') AS drawn, any(c.cost) AS paid,
            any(c.input_tokens) AS input, any(c.output_tokens) AS output,
            any(c.cache_read_tokens) AS cache_read, any(c.cache_write_tokens) AS cache_write
        FROM calls AS c
        ASOF INNER JOIN replayed AS r
            ON c.tenant = r.tenant AND c.request_id = r.request_id AND c.at >= r.requested_at
        WHERE c.purpose IN ('answer', 'shadow') AND c.status = 'ok'
            AND c.at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
            AND c.at < fromUnixTimestamp64Milli({until:Int64}, 'UTC') + INTERVAL 1 DAY
        GROUP BY topic, partition, offset, call_id
    ),
    -- Golden and feedback are about the call that they name, else about the answer that was sent.
    told AS
    (
        SELECT
            r.topic AS topic, r.partition AS partition, r.offset AS offset,
            if(q.call_id != '' AND q.request_model != '', toString(q.request_model), r.sent_model)
                AS model,
            toString(q.signal) AS kind, q.score AS value
        FROM quality AS q
        ASOF INNER JOIN replayed AS r
            ON q.tenant = r.tenant AND q.request_id = r.request_id AND q.at >= r.requested_at
        WHERE q.signal IN ('golden', 'feedback', 'judge', 'cascade_confidence')
            AND q.score IS NOT NULL AND q.at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    ),
    scored AS
    (
        SELECT
            topic, partition, offset, model,
            coalesce(
                avgOrNullIf(value, kind = 'golden'), avgOrNullIf(value, kind = 'feedback'),
                avgOrNullIf(value, kind = 'judge')
            ) AS score,
            anyLastOrNullIf(value, kind = 'cascade_confidence') AS confidence
        FROM told
        GROUP BY topic, partition, offset, model
    ),
    asked AS
    (
        SELECT
            topic, partition, offset, model, min(drawn) AS only_drawn,
            argMax(paid, (NOT drawn, answered_at)) AS paid,
            argMax(input, (NOT drawn, answered_at)) AS input,
            argMax(output, (NOT drawn, answered_at)) AS output,
            argMax(cache_read, (NOT drawn, answered_at)) AS cache_read,
            argMax(cache_write, (NOT drawn, answered_at)) AS cache_write
        FROM answers
        GROUP BY topic, partition, offset, model
    )
SELECT
    a.topic AS topic, a.partition AS partition, a.offset AS offset, a.model AS model,
    toBool(a.only_drawn) AS drawn,
    -- Decimal(18,9) overflows from 9.22 USD on.
    toInt64(toDecimal128(a.paid, 9) * 1000000000) AS paid_nano, a.input AS input,
    a.output AS output, a.cache_read AS cache_read, a.cache_write AS cache_write, s.score AS score,
    s.confidence AS confidence
FROM asked AS a
LEFT JOIN scored AS s
    ON a.topic = s.topic AND a.partition = s.partition AND a.offset = s.offset
    AND a.model = s.model
ORDER BY topic, partition, offset, drawn, a.input
SETTINGS join_use_nulls = 1
