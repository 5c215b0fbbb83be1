-- Where does the money go: by tier, feature, tenant, user, model, provider, purpose or day?
--
-- Every call counts once, whatever became of its request. Sums are of the calls whose cost is
-- known; unknown_cost says how many are missing from them.
--
-- param by = tier (tier | feature | tenant | user | model | provider | purpose | day): what to add up by
-- column value [text]: the tier, feature, tenant, ... ; empty where a call has none
-- column calls [count]: provider calls
-- column requests [count]: requests that made them
-- column cost [USD]: sum over calls of known cost; NULL where none is known
-- column cost_share [share]: of the whole range's cost
-- column unknown_cost [count]: calls of unknown cost
-- column cost_per_request [USD]: cost over requests; NULL where a call's cost is unknown
-- column input_tokens [tokens]: sum where reported
-- column output_tokens [tokens]: sum where reported
SELECT
    multiIf(
        {by:String} = 'tier', toString(s.tier),
        {by:String} = 'feature', toString(s.feature),
        {by:String} = 'tenant', toString(s.tenant),
        {by:String} = 'user', s.user_id,
        {by:String} = 'model', toString(s.request_model),
        {by:String} = 'provider', toString(s.provider),
        {by:String} = 'purpose', toString(s.purpose),
        toString(toDate(s.at, 'UTC'))
    ) AS value,
    count() AS calls,
    uniqExact(s.tenant, s.request_id) AS requests,
    sum(s.cost) AS cost,
    toFloat64(cost) / nullIf(toFloat64(sum(cost) OVER ()), 0) AS cost_share,
    countIf(s.cost IS NULL) AS unknown_cost,
    if(unknown_cost > 0, NULL, toFloat64(cost) / requests) AS cost_per_request,
    sum(s.input_tokens) AS input_tokens,
    sum(s.output_tokens) AS output_tokens
FROM spend AS s
WHERE s.at >= {since:DateTime64(3, 'UTC')} AND s.at < {until:DateTime64(3, 'UTC')}
GROUP BY value
ORDER BY if({by:String} = 'day', value, ''), cost DESC NULLS LAST, value
