-- How long do replied requests take, topic to topic, and how much of it is the providers' time?
--
-- By the tier on which a request ended. Provider time is that of all its hops; overhead is the
-- rest: routing, Kafka, pauses before retries, and waiting for capacity.
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
WITH lives AS
(
    SELECT
        anyIf(o.tier, o.final) AS tier,
        anyIf(o.kind, o.final) AS status,
        anyIf(o.at, o.final) AS ended_at,
        ifNull(anyIf(o.latency_ms, o.final), 0) AS latency,
        ifNull(sum(o.provider_ms), 0) AS provider,
        greatest(latency - provider, 0) AS overhead
    FROM outcomes AS o
    WHERE o.repeat = 0 AND (o.final OR o.kind = 'escalated')
        AND o.at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
        AND o.at < {until:DateTime64(3, 'UTC')}
    GROUP BY o.tenant, o.request_id, o.source_topic, o.source_partition, o.source_offset
    HAVING status = 'replied' AND ended_at >= {since:DateTime64(3, 'UTC')}
)
SELECT
    tier,
    count() AS requests,
    quantileExactInclusive(0.5)(latency) AS p50,
    quantileExactInclusive(0.95)(latency) AS p95,
    quantileExactInclusive(0.99)(latency) AS p99,
    quantileExactInclusive(0.5)(provider) AS provider_p50,
    quantileExactInclusive(0.95)(provider) AS provider_p95,
    quantileExactInclusive(0.99)(provider) AS provider_p99,
    quantileExactInclusive(0.5)(overhead) AS overhead_p50,
    quantileExactInclusive(0.95)(overhead) AS overhead_p95,
    quantileExactInclusive(0.99)(overhead) AS overhead_p99
FROM lives
GROUP BY tier
ORDER BY requests DESC, tier
