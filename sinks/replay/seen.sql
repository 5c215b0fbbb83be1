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
            any(c.purpose = 'shadow') AS drawn,
            -- All that the call cost and used, from one row.
            any(
                (
                    c.cost, c.input_tokens, c.output_tokens, c.cache_read_tokens,
                    c.cache_write_tokens, c.reasoning_tokens, c.cache_write_1h_tokens,
                    c.audio_input_tokens, c.audio_output_tokens, c.web_searches,
                    toString(c.service_tier), toString(c.speed), toString(c.geography),
                    c.unknown_usage
                )
            ) AS used
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
            argMax(used, (NOT drawn, answered_at)) AS used
        FROM answers
        GROUP BY topic, partition, offset, model
    )
SELECT
    a.topic AS topic, a.partition AS partition, a.offset AS offset, a.model AS model,
    toBool(a.only_drawn) AS drawn,
    -- Decimal(18,9) overflows from 9.22 USD on.
    toInt64(toDecimal128(a.used.1, 9) * 1000000000) AS paid_nano,
    a.used.2 AS input_tokens,
    a.used.3 AS output_tokens,
    a.used.4 AS cache_read_tokens,
    a.used.5 AS cache_write_tokens,
    a.used.6 AS reasoning_tokens,
    a.used.7 AS cache_write_1h_tokens,
    a.used.8 AS audio_input_tokens,
    a.used.9 AS audio_output_tokens,
    a.used.10 AS web_searches,
    a.used.11 AS service_tier,
    a.used.12 AS speed,
    a.used.13 AS geography,
    a.used.14 AS unknown_usage,
    s.score AS score, s.confidence AS confidence
FROM asked AS a
LEFT JOIN scored AS s
    ON a.topic = s.topic AND a.partition = s.partition AND a.offset = s.offset
    AND a.model = s.model
ORDER BY topic, partition, offset, drawn, input_tokens
SETTINGS join_use_nulls = 1
