-- How is each provider instance doing: errors, time, speed, and when it last answered?
--
-- Latency is of calls that were answered. Interrupted calls were cut off by a crash of ours and
-- say nothing against the provider; they stay out of the error share.
--
-- column provider [text]: provider by name
-- column model [text]: model by its registry name
-- column instance [text]: instance of the model
-- column calls [count]: calls of every purpose
-- column ok [count]: calls that were answered
-- column errors [count]: calls that failed
-- column error_share [share]: errors of the calls that were not interrupted
-- column rate_limited [count]: of the errors, refused for the rate limit
-- column timeouts [count]: of the errors, not answered in time
-- column interrupted [count]: calls cut off by a crash of ours
-- column p50 [ms]: median latency of answered calls
-- column p95 [ms]: 95th percentile
-- column p99 [ms]: 99th percentile
-- column tokens_per_s [tokens/s]: output tokens over time of answered calls
-- column last_ok [time]: end of the last answered call
-- column last_error [time]: end of the last failed call
SELECT
    toString(s.provider) AS provider,
    toString(s.request_model) AS model,
    toString(s.instance) AS instance,
    count() AS calls,
    countIf(s.status = 'ok') AS ok,
    countIf(s.status NOT IN ('ok', 'interrupted')) AS errors,
    errors / nullIf(ok + errors, 0) AS error_share,
    countIf(s.status = 'rate_limited') AS rate_limited,
    countIf(s.status = 'timeout') AS timeouts,
    countIf(s.status = 'interrupted') AS interrupted,
    quantileExactInclusiveOrNullIf(0.5)(s.latency_ms, s.status = 'ok') AS p50,
    quantileExactInclusiveOrNullIf(0.95)(s.latency_ms, s.status = 'ok') AS p95,
    quantileExactInclusiveOrNullIf(0.99)(s.latency_ms, s.status = 'ok') AS p99,
    sumIf(s.output_tokens, s.status = 'ok' AND s.latency_ms IS NOT NULL)
        / nullIf(sumIf(s.latency_ms, s.status = 'ok' AND s.output_tokens IS NOT NULL) / 1000, 0)
        AS tokens_per_s,
    maxOrNullIf(s.at, s.status = 'ok') AS last_ok,
    maxOrNullIf(s.at, s.status NOT IN ('ok', 'interrupted')) AS last_error
FROM spend AS s
WHERE s.at >= {since:DateTime64(3, 'UTC')} AND s.at < {until:DateTime64(3, 'UTC')}
GROUP BY provider, model, instance
ORDER BY error_share DESC NULLS LAST, calls DESC, provider, model, instance
