SELECT
    toString(source_topic) AS topic, source_partition, source_offset, tenant, request_id,
    toUnixTimestamp64Milli(requested_at) AS asked_at, toString(how) AS how, same,
    toString(from_tier) AS from_tier, toString(from_model) AS from_model, toString(tier) AS tier,
    arrayMap(each -> toString(each), models) AS models, marks, difficulty, tokens,
    arrayMap(each -> toString(each), chance_models) AS chance_models, chance_values
FROM replay_decisions
WHERE run_id = {run:String} AND kind = 'decision'
ORDER BY topic, source_partition, source_offset
LIMIT 1 BY topic, source_partition, source_offset
