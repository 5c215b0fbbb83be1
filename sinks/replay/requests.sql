SELECT
    source_offset, toUnixTimestamp64Milli(requested_at) AS asked_at, tenant, request_id,
    toString(user_id) AS user_id, toString(user_tier) AS user_tier, toString(feature) AS feature,
    toString(classifier) AS classifier, score, toString(decided_tier) AS decided_tier,
    toString(pinned_model) AS pinned_model, reasons, toString(registry_version) AS registry_version,
    toString(code_version) AS code_version, toString(artifact) AS artifact,
    toString(experiment) AS experiment, toString(arm) AS arm, propensity, decision_inputs,
    if(status = 'replied', toString(tier), '') AS ended_tier
FROM requests
WHERE source_topic = {topic:String} AND source_partition = {partition:Int32}
    AND source_offset >= {first:Int64} AND source_offset < {end:Int64}
    AND ({tenant:String} = '' OR tenant = {tenant:String})
    AND ({feature:String} = '' OR feature = {feature:String})
ORDER BY source_offset
LIMIT 1 BY source_offset
