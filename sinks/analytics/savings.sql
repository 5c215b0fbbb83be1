-- How do cost and savings develop over time?
--
-- Compares replied requests with known cost and known baseline, in the period in which they ended;
-- spent is all money of the period, including judges, shadows and failed requests.
--
-- param every = day (hour | day | month): length of a period
-- column period [time]: start of the period
-- column requests [count]: replied requests
-- column compared [count]: of them, with known cost and known baseline
-- column cost [USD]: of the compared requests
-- column baseline [USD]: their cost with the baseline model
-- column saved_share [share]: baseline less cost, as a share of baseline
-- column spent [USD]: all calls of the period whose cost is known
-- column unknown_calls [count]: calls of the period whose cost is unknown
WITH
    found AS
    (
        SELECT
            hour, requests AS requests_, compared AS compared_, compared_cost, compared_baseline,
            CAST(NULL, 'Nullable(Decimal(38, 9))') AS spent_, toInt64(0) AS unknown_
        FROM outcomes_hourly(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
        WHERE kind = 'replied'
        UNION ALL
        SELECT hour, 0, 0, NULL, NULL, cost_known, calls - priced
        FROM spend_by_model(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        )
    )
SELECT
    multiIf(
        {every:String} = 'hour', toDateTime64(hour, 3, 'UTC'),
        {every:String} = 'month', toDateTime64(toStartOfMonth(hour), 3, 'UTC'),
        toDateTime64(toStartOfDay(hour), 3, 'UTC')
    ) AS period,
    sum(requests_) AS requests,
    sum(compared_) AS compared,
    sum(compared_cost) AS cost,
    sum(compared_baseline) AS baseline,
    toFloat64(baseline - cost) / nullIf(toFloat64(baseline), 0) AS saved_share,
    sum(spent_) AS spent,
    sum(unknown_) AS unknown_calls
FROM found
GROUP BY period
ORDER BY period
