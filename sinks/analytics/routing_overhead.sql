-- How much time does Sluice itself add to a request, and what do classifying calls cost?
--
-- Overhead is the latency topic to topic less the time in provider calls, over replied requests
-- that did not wait for capacity; those that did are counted apart. Below 50 ms nobody notices.
--
-- column classifier [text]: what decided
-- column requests [count]: replied requests that did not wait
-- column waited [count]: replied requests that were parked at least once
-- column p50 [ms]: median overhead
-- column p95 [ms]: 95th percentile
-- column p99 [ms]: 99th percentile
-- column under_50ms [share]: requests with less than 50 ms
-- column of_latency [share]: overhead of the whole latency
-- column classify_calls [count]: provider calls made to classify these requests
-- column classify_cost [USD]: what they cost, where known
-- column unknown_cost [count]: classifying calls of unknown cost
WITH
    lives AS
    (
        SELECT
            o.tenant AS tenant, o.request_id AS request_id, any(o.requested_at) AS came,
            toString(anyIf(o.classifier, o.final)) AS decided_by,
            anyIf(o.kind, o.final) AS status,
            anyIf(o.at, o.final) AS ended_at,
            ifNull(anyIf(o.latency_ms, o.final), 0) AS latency,
            greatest(latency - ifNull(sum(o.provider_ms), 0), 0) AS overhead,
            countIf(o.kind = 'parked') > 0 AS parked
        FROM outcomes AS o
        WHERE o.repeat = 0 AND o.kind != 'started'
            AND o.at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
            AND o.at < {until:DateTime64(3, 'UTC')}
        GROUP BY o.tenant, o.request_id, o.source_topic, o.source_partition, o.source_offset
        HAVING status = 'replied' AND ended_at >= {since:DateTime64(3, 'UTC')}
    ),
    asked AS
    (
        SELECT
            l.tenant AS tenant, l.request_id AS request_id, l.came AS came,
            count() AS asks, sum(s.cost) AS paid, countIf(s.cost IS NULL) AS unpriced
        FROM
        (
            SELECT tenant, request_id, at + INTERVAL 1 MINUTE AS at_latest, cost
            FROM spend
            WHERE purpose = 'classify'
                AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
                AND at < {until:DateTime64(3, 'UTC')}
        ) AS s
        ASOF INNER JOIN lives AS l
            ON s.tenant = l.tenant AND s.request_id = l.request_id AND s.at_latest >= l.came
        GROUP BY l.tenant, l.request_id, l.came
    )
SELECT
    decided_by AS classifier,
    countIf(NOT parked) AS requests,
    countIf(parked) AS waited,
    if(requests = 0, NULL, quantileExactInclusiveIf(0.5)(overhead, NOT parked)) AS p50,
    if(requests = 0, NULL, quantileExactInclusiveIf(0.95)(overhead, NOT parked)) AS p95,
    if(requests = 0, NULL, quantileExactInclusiveIf(0.99)(overhead, NOT parked)) AS p99,
    countIf(overhead < 50 AND NOT parked) / nullIf(requests, 0) AS under_50ms,
    sumIf(overhead, NOT parked) / nullIf(sumIf(latency, NOT parked), 0) AS of_latency,
    sum(asks) AS classify_calls,
    sum(paid) AS classify_cost,
    sum(unpriced) AS unknown_cost
FROM lives
LEFT JOIN asked USING (tenant, request_id, came)
GROUP BY decided_by
ORDER BY requests DESC, classifier
