SELECT
    run_id, toUnixTimestamp64Milli(minIf(at, kind = 'opened')) AS opened_at,
    anyIf(document, kind = 'opened') AS spec, argMaxIf(document, at, kind = 'closed') AS summary,
    uniqExactIf((source_topic, source_partition, source_offset), kind = 'decision') AS decided
FROM replay_decisions
WHERE {run:String} = '' OR run_id = {run:String}
GROUP BY run_id
ORDER BY opened_at DESC
