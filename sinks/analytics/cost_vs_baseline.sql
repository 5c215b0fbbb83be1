-- What did routing save against sending every request to the baseline model?
--
-- Compared are replied requests whose cost and baseline are both known; the others are counted,
-- never taken for zero. A request's cost is that of all its calls, escalations included. spent is
-- all money of the range, also of judges, shadows and requests that failed; net_saved holds it
-- against the baseline of the compared requests.
--
-- column requests [count]: replied requests
-- column compared [count]: of them, with known cost and known baseline
-- column unknown_cost [count]: of them, with at least one call of unknown cost
-- column unknown_baseline [count]: of them, without a baseline cost
-- column cost [USD]: of the compared requests
-- column baseline [USD]: what the baseline model would have cost for the compared requests
-- column saved [USD]: baseline less cost
-- column saved_share [share]: saved of baseline
-- column spent [USD]: all calls of the range whose cost is known
-- column unknown_calls [count]: calls of the range whose cost is unknown
-- column net_saved [USD]: baseline less spent
WITH
    answered AS
    (
        SELECT
            count() AS requests,
            countIf(r.cost IS NOT NULL AND r.baseline_cost IS NOT NULL) AS compared,
            countIf(r.cost IS NULL) AS unknown_cost,
            countIf(r.baseline_cost IS NULL) AS unknown_baseline,
            sumIf(r.cost, r.baseline_cost IS NOT NULL) AS cost,
            sumIf(r.baseline_cost, r.cost IS NOT NULL) AS baseline
        FROM requests AS r
        WHERE r.status = 'replied'
            AND r.ended_at >= {since:DateTime64(3, 'UTC')}
            AND r.ended_at < {until:DateTime64(3, 'UTC')}
    ),
    paid AS
    (
        SELECT sum(s.cost) AS spent, countIf(s.cost IS NULL) AS unknown_calls
        FROM spend AS s
        WHERE s.at >= {since:DateTime64(3, 'UTC')} AND s.at < {until:DateTime64(3, 'UTC')}
    )
SELECT
    requests, compared, unknown_cost, unknown_baseline, cost, baseline,
    baseline - cost AS saved,
    toFloat64(saved) / nullIf(toFloat64(baseline), 0) AS saved_share,
    spent, unknown_calls,
    baseline - spent AS net_saved
FROM answered
CROSS JOIN paid
WHERE requests > 0 OR spent IS NOT NULL OR unknown_calls > 0
