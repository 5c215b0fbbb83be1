-- What is the latency of replied requests, topic to topic, and the time in provider calls?
--
-- Grouped by the tier on which a request ended. Provider time includes all its calls; overhead is
-- the rest: routing, Kafka, pauses before retries, and waiting for capacity. Percentiles are at
-- most 1 % off (DDSketch).
--
-- column tier [text]: tier on which the request ended
-- column requests [count]: replied requests
-- column p50 [ms]: median latency from the request's broker time to its reply
-- column p95 [ms]: 95th percentile
-- column p99 [ms]: 99th percentile
-- column provider_p50 [ms]: median time in provider calls
-- column provider_p95 [ms]: 95th percentile
-- column provider_p99 [ms]: 99th percentile
-- column overhead_p50 [ms]: median of latency less provider time
-- column overhead_p95 [ms]: 95th percentile
-- column overhead_p99 [ms]: 99th percentile
WITH found AS
(
    SELECT
        toString(e.tier) AS of_tier,
        sum(e.requests) AS requests_,
        quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(e.latency_pace) AS whole,
        quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(e.calls_pace) AS in_calls,
        quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(e.overhead_pace) AS between
    FROM outcomes_hourly(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        ) AS e
    WHERE e.kind = 'replied'
    GROUP BY of_tier
)
SELECT
    of_tier AS tier,
    requests_ AS requests,
    whole[1] AS p50, whole[2] AS p95, whole[3] AS p99,
    in_calls[1] AS provider_p50, in_calls[2] AS provider_p95, in_calls[3] AS provider_p99,
    between[1] AS overhead_p50, between[2] AS overhead_p95, between[3] AS overhead_p99
FROM found
ORDER BY requests DESC, tier
