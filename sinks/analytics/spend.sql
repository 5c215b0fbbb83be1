-- What was spent, period by period and tenant by tenant, and what does it add up to?
--
-- param every = day (hour | day | month): length of a period
-- column period [time]: start of the period
-- column tenant [text]: who pays
-- column calls [count]: provider calls
-- column cost [USD]: of calls whose cost is known; NULL where none is
-- column unknown_cost [count]: calls of unknown cost
-- column cost_to_date [USD]: the tenant's cost from the start of the range to the period's end
SELECT
    multiIf(
        {every:String} = 'hour', toDateTime64(toStartOfHour(s.at), 3, 'UTC'),
        {every:String} = 'month', toDateTime64(toStartOfMonth(s.at), 3, 'UTC'),
        toDateTime64(toStartOfDay(s.at), 3, 'UTC')
    ) AS period,
    toString(s.tenant) AS tenant,
    count() AS calls,
    sum(s.cost) AS cost,
    countIf(s.cost IS NULL) AS unknown_cost,
    sum(cost) OVER (PARTITION BY tenant ORDER BY period) AS cost_to_date
FROM spend AS s
WHERE s.at >= {since:DateTime64(3, 'UTC')} AND s.at < {until:DateTime64(3, 'UTC')}
GROUP BY period, tenant
ORDER BY period, cost DESC NULLS LAST, tenant
