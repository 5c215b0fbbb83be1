SELECT
    count() AS requests, toUnixTimestamp64Milli(min(requested_at)) AS first_at,
    toUnixTimestamp64Milli(max(requested_at)) AS last_at
FROM requests
WHERE source_topic = {topic:String} AND source_partition = {partition:Int32}
    AND source_offset >= {first:Int64} AND source_offset < {end:Int64}
    AND requested_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    AND requested_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant = {tenant:String})
    AND ({feature:String} = '' OR feature = {feature:String})
HAVING requests > 0
