-- What are the errors, latency, speed and last answer of each provider instance?
--
-- Latency covers answered calls; its percentiles are at most 1 % off (DDSketch). Interrupted calls
-- were cut off by a crash of Sluice and are excluded from the error share.
--
-- column provider [text]: provider by name
-- column model [text]: model by its registry name
-- column instance [text]: instance of the model
-- column calls [count]: calls of every purpose
-- column ok [count]: calls that were answered
-- column errors [count]: calls that failed
-- column error_share [share]: errors as a share of the calls that were not interrupted
-- column rate_limited [count]: of the errors, rejected for the rate limit
-- column timeouts [count]: of the errors, not answered in time
-- column interrupted [count]: calls cut off by a crash of Sluice
-- column p50 [ms]: median latency of answered calls
-- column p95 [ms]: 95th percentile
-- column p99 [ms]: 99th percentile
-- column tokens_per_s [tokens/s]: output tokens over time of answered calls
-- column last_ok [time]: end of the last answered call
-- column last_error [time]: end of the last failed call
WITH found AS
(
    SELECT
        toString(s.provider) AS of_provider,
        toString(s.request_model) AS of_model,
        toString(s.instance) AS of_instance,
        sum(s.calls) AS calls_,
        sumIf(s.calls, s.status = 'ok') AS ok_,
        sumIf(s.calls, s.status NOT IN ('ok', 'interrupted')) AS errors_,
        sumIf(s.calls, s.status = 'rate_limited') AS rate_limited_,
        sumIf(s.calls, s.status = 'timeout') AS timeouts_,
        sumIf(s.calls, s.status = 'interrupted') AS interrupted_,
        quantilesDDMergeIf(0.01, 0.5, 0.95, 0.99)(s.pace, s.status = 'ok') AS ms,
        sumIf(s.timed_tokens, s.status = 'ok')
            / nullIf(sumIf(s.timed_ms, s.status = 'ok') / 1000, 0) AS speed,
        maxOrNullIf(s.last_at, s.status = 'ok' AND s.calls > 0) AS ok_at,
        maxOrNullIf(s.last_at, s.status NOT IN ('ok', 'interrupted') AND s.calls > 0) AS error_at
    FROM spend_by_model(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        ) AS s
    GROUP BY of_provider, of_model, of_instance
    HAVING calls_ > 0
)
SELECT
    of_provider AS provider, of_model AS model, of_instance AS instance, calls_ AS calls, ok_ AS ok,
    errors_ AS errors, errors_ / nullIf(ok_ + errors_, 0) AS error_share,
    rate_limited_ AS rate_limited, timeouts_ AS timeouts, interrupted_ AS interrupted,
    if(ok_ = 0, NULL, ms[1]) AS p50, if(ok_ = 0, NULL, ms[2]) AS p95, if(ok_ = 0, NULL, ms[3]) AS p99,
    speed AS tokens_per_s, ok_at AS last_ok, error_at AS last_error
FROM found
ORDER BY error_share DESC NULLS LAST, calls DESC, provider, model, instance
