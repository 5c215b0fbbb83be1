-- How much latency does Sluice add, and what do classification calls cost?
--
-- Overhead is the latency topic to topic less the time in provider calls, over replied requests
-- that did not wait for capacity; those that did are counted separately. An overhead below 50 ms is
-- negligible.
--
-- column classifier [text]: classifier of the decision
-- column requests [count]: replied requests that did not wait
-- column waited [count]: replied requests that were parked at least once
-- column p50 [ms]: median overhead
-- column p95 [ms]: 95th percentile
-- column p99 [ms]: 99th percentile
-- column under_50ms [share]: requests with less than 50 ms
-- column of_latency [share]: overhead as a share of the latency
-- column classify_calls [count]: provider calls for the classification of these requests
-- column classify_cost [USD]: their cost, where known
-- column unknown_cost [count]: classification calls of unknown cost
WITH
    found AS
    (
        SELECT
            toString(e.classifier) AS decided_by,
            sumIf(e.requests, NOT e.waited) AS requests_,
            sumIf(e.requests, e.waited) AS waited_,
            quantilesDDMergeIf(0.01, 0.5, 0.95, 0.99)(e.overhead_pace, NOT e.waited) AS between,
            sumIf(e.quick, NOT e.waited) AS quick_,
            sumIf(e.latency_total, NOT e.waited) AS whole,
            sumIf(e.calls_total, NOT e.waited) AS in_calls
        FROM outcomes_hourly(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        ) AS e
        WHERE e.kind = 'replied'
        GROUP BY decided_by
    ),
    classifying AS
    (
        SELECT request_hash, at + INTERVAL 1 MINUTE AS at_latest, counted, cost
        FROM counted_calls
        WHERE purpose = 'classify'
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
            AND at < {until:DateTime64(3, 'UTC')}
    ),
    asked AS
    (
        SELECT
            toString(l.classifier) AS decided_by, sum(s.counted) AS asks, sum(s.cost) AS paid,
            sumIf(s.counted, s.cost IS NULL) AS unpriced
        FROM classifying AS s
        ASOF INNER JOIN
        (
            SELECT request_hash, requested_at, classifier
            FROM requests
            WHERE status = 'replied'
                AND ended_at >= {since:DateTime64(3, 'UTC')}
                AND ended_at < {until:DateTime64(3, 'UTC')}
                AND request_hash IN (SELECT request_hash FROM classifying)
        ) AS l
            ON s.request_hash = l.request_hash AND s.at_latest >= l.requested_at
        GROUP BY decided_by
    )
SELECT
    decided_by AS classifier,
    requests_ AS requests,
    waited_ AS waited,
    if(requests = 0, NULL, between[1]) AS p50,
    if(requests = 0, NULL, between[2]) AS p95,
    if(requests = 0, NULL, between[3]) AS p99,
    quick_ / nullIf(requests, 0) AS under_50ms,
    greatest(whole - in_calls, 0) / nullIf(whole, 0) AS of_latency,
    asks AS classify_calls,
    paid AS classify_cost,
    unpriced AS unknown_cost
FROM found
LEFT JOIN asked USING (decided_by)
ORDER BY requests DESC, classifier
