-- What are the costs by tier, feature, tenant, user, user tier, model, provider, purpose or day?
--
-- Every call counts once, for any outcome of its request. Sums cover the calls with known cost;
-- unknown_cost is the number of calls missing from them.
--
-- param by = tier (tier | feature | tenant | user | user tier | model | provider | purpose | day): grouping
-- column value [text]: the tier, feature, tenant, ... ; empty for calls without one
-- column calls [count]: provider calls
-- column cost [USD]: sum over calls of known cost; NULL without any
-- column cost_share [share]: share of the whole range's cost
-- column unknown_cost [count]: calls of unknown cost
-- column cost_per_call [USD]: cost over calls; NULL where a call's cost is unknown
-- column input_tokens [tokens]: sum where reported
-- column output_tokens [tokens]: sum where reported
-- column cache_read_tokens [tokens]: of the input tokens, read from the provider's cache
WITH found AS
(
    SELECT
        multiIf(
            {by:String} = 'feature', toString(feature), {by:String} = 'tenant', toString(tenant),
            {by:String} = 'user tier', toString(user_tier), toString(toDate(hour, 'UTC'))
        ) AS value,
        calls AS calls_, cost_known, priced, tokens_in, tokens_out, tokens_cached
    FROM spend_by_subject(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
    WHERE {by:String} IN ('feature', 'tenant', 'user tier', 'day')
    UNION ALL
    SELECT
        multiIf(
            {by:String} = 'tier', toString(tier), {by:String} = 'model', toString(request_model),
            {by:String} = 'provider', toString(provider), toString(purpose)
        ) AS value,
        calls AS calls_, cost_known, priced, tokens_in, tokens_out, tokens_cached
    FROM spend_by_model(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
    WHERE {by:String} IN ('tier', 'model', 'provider', 'purpose')
    UNION ALL
    SELECT
        user_id AS value, sum(counted) AS calls_, sum(cost), toInt64(count(cost)),
        sum(input_tokens), sum(output_tokens), sum(cache_read_tokens)
    FROM counted_calls
    WHERE {by:String} = 'user'
        AND at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
    GROUP BY user_id
)
SELECT
    value,
    sum(calls_) AS calls,
    sum(cost_known) AS cost,
    toFloat64(cost) / nullIf(toFloat64(sum(cost) OVER ()), 0) AS cost_share,
    calls - sum(priced) AS unknown_cost,
    if(unknown_cost > 0, NULL, toFloat64(cost) / calls) AS cost_per_call,
    sum(tokens_in) AS input_tokens,
    sum(tokens_out) AS output_tokens,
    sum(tokens_cached) AS cache_read_tokens
FROM found
GROUP BY value
HAVING calls > 0
ORDER BY if({by:String} = 'day', value, ''), cost DESC NULLS LAST, value
