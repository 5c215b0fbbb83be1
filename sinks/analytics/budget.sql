-- How much did each tenant, user, feature or model spend in each window, against a given limit?
--
-- Counts like budgets: every call in the window (UTC) of its end, each once, without replays. The
-- limit is a parameter, because limits are in the registry, not in ClickHouse. Budgets count calls
-- of unknown cost with their expected cost; here they are in unknown_cost and in no sum, so that
-- left is an upper bound. A window that extends beyond the range is cut.
--
-- param usd = : the limit, USD; empty is none, and left and used are NULL
-- param per = tenant (tenant | user | feature | model): subject of the limit
-- param every = day (hour | day | month): the window
-- param tenant = : calls of this tenant only; empty is all
-- param feature = : calls of this feature only; empty is all
-- param model = : calls of this model only; empty is all
-- column window [time]: start of the window
-- column subject [text]: tenant, tenant/user, feature or model; empty for calls without one
-- column calls [count]: provider calls
-- column cost [USD]: of calls with known cost
-- column unknown_cost [count]: calls of unknown cost
-- column left [USD]: the limit less the cost, negative above the limit
-- column used [share]: cost as a share of the limit; above 1 above the limit
WITH found AS
(
    SELECT
        hour, if({per:String} = 'feature', toString(feature), toString(tenant)) AS of_subject,
        calls AS calls_, cost_known, priced
    FROM spend_by_subject(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
    WHERE purpose != 'replay' AND {per:String} IN ('tenant', 'feature') AND {model:String} = ''
        AND ({tenant:String} = '' OR tenant = {tenant:String})
        AND ({feature:String} = '' OR feature = {feature:String})
    UNION ALL
    SELECT hour, toString(request_model), calls, cost_known, priced
    FROM spend_by_model(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
    WHERE purpose != 'replay' AND {per:String} = 'model'
        AND {tenant:String} = '' AND {feature:String} = ''
        AND ({model:String} = '' OR request_model = {model:String})
    UNION ALL
    SELECT
        toStartOfHour(s.at) AS hour,
        multiIf(
            {per:String} = 'user', concat(toString(s.tenant), '/', s.user_id),
            {per:String} = 'feature', toString(s.feature),
            {per:String} = 'model', toString(s.request_model),
            toString(s.tenant)
        ) AS of_subject,
        sum(s.counted), sum(s.cost), toInt64(count(s.cost))
    FROM counted_calls AS s
    WHERE s.purpose != 'replay'
        AND (
            {per:String} = 'user' OR ({per:String} != 'model' AND {model:String} != '')
            OR ({per:String} = 'model' AND ({tenant:String} != '' OR {feature:String} != ''))
        )
        AND ({tenant:String} = '' OR s.tenant = {tenant:String})
        AND ({feature:String} = '' OR s.feature = {feature:String})
        AND ({model:String} = '' OR s.request_model = {model:String})
        AND s.at >= {since:DateTime64(3, 'UTC')} AND s.at < {until:DateTime64(3, 'UTC')}
    GROUP BY hour, of_subject
)
SELECT
    multiIf(
        {every:String} = 'hour', toDateTime64(hour, 3, 'UTC'),
        {every:String} = 'month', toDateTime64(toStartOfMonth(hour), 3, 'UTC'),
        toDateTime64(toStartOfDay(hour), 3, 'UTC')
    ) AS window,
    of_subject AS subject,
    sum(calls_) AS calls,
    ifNull(sum(cost_known), toDecimal64(0, 9)) AS cost,
    calls - sum(priced) AS unknown_cost,
    toDecimal64OrNull({usd:String}, 9) - cost AS left,
    toFloat64(cost) / nullIf(toFloat64OrNull({usd:String}), 0) AS used
FROM found
GROUP BY window, subject
HAVING calls > 0
ORDER BY window, cost DESC, subject
