-- How much did each tenant spend in each period, and in total so far?
--
-- param every = day (hour | day | month): length of a period
-- column period [time]: start of the period
-- column tenant [text]: tenant that is charged
-- column calls [count]: provider calls
-- column cost [USD]: of calls with known cost; NULL without any
-- column unknown_cost [count]: calls of unknown cost
-- column cost_to_date [USD]: the tenant's cost from the start of the range to the period's end
WITH found AS
(
    SELECT
        multiIf(
            {every:String} = 'hour', toDateTime64(hour, 3, 'UTC'),
            {every:String} = 'month', toDateTime64(toStartOfMonth(hour), 3, 'UTC'),
            toDateTime64(toStartOfDay(hour), 3, 'UTC')
        ) AS period,
        tenant AS of_tenant, calls AS calls_, cost_known, priced
    FROM spend_by_tenant(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
)
SELECT
    period,
    toString(of_tenant) AS tenant,
    sum(calls_) AS calls,
    sum(cost_known) AS cost,
    calls - sum(priced) AS unknown_cost,
    sum(cost) OVER (PARTITION BY tenant ORDER BY period) AS cost_to_date
FROM found
GROUP BY period, tenant
HAVING calls != 0 OR cost IS NOT NULL
ORDER BY period, cost DESC NULLS LAST, tenant
