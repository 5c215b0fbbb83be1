-- How much did routing save against sending every request to the baseline model?
--
-- Compares replied requests with known cost and known baseline; the others are counted, never taken
-- as zero. The cost of a request includes all its calls, escalations included. spent is all money
-- of the range, including failed and uncompared requests and the cost of routing itself
-- (classifiers, judges, shadows); net_saved compares it with the baseline of the compared requests.
--
-- column requests [count]: replied requests
-- column compared [count]: of them, with known cost and known baseline
-- column unknown_cost [count]: of them, with at least one call of unknown cost
-- column unknown_baseline [count]: of them, without a baseline cost
-- column cost [USD]: of the compared requests
-- column baseline [USD]: cost of the compared requests with the baseline model
-- column saved [USD]: baseline less cost
-- column saved_share [share]: saved as a share of baseline
-- column spent [USD]: all calls of the range whose cost is known
-- column answers [USD]: of it, answering calls
-- column classifiers [USD]: of it, calls of classifiers
-- column judges [USD]: of it, calls of judges
-- column shadows [USD]: of it, shadow calls
-- column replays [USD]: of it, calls of executed replays
-- column unknown_calls [count]: calls of the range whose cost is unknown
-- column net_saved [USD]: baseline less spent
WITH
    answered AS
    (
        SELECT
            sum(e.requests) AS requests_,
            sum(e.compared) AS compared_,
            requests_ - sum(e.costs) AS unknown_cost,
            requests_ - sum(e.baselines) AS unknown_baseline,
            sum(e.compared_cost) AS cost,
            sum(e.compared_baseline) AS baseline
        FROM outcomes_hourly(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        ) AS e
        WHERE e.kind = 'replied'
    ),
    paid AS
    (
        SELECT
            sum(s.cost_known) AS spent,
            sumIf(s.cost_known, s.purpose = 'answer') AS answers,
            sumIf(s.cost_known, s.purpose = 'classify') AS classifiers,
            sumIf(s.cost_known, s.purpose = 'judge') AS judges,
            sumIf(s.cost_known, s.purpose = 'shadow') AS shadows,
            sumIf(s.cost_known, s.purpose = 'replay') AS replays,
            sum(s.calls) - sum(s.priced) AS unknown_calls
        FROM spend_by_model(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        ) AS s
    )
SELECT
    requests_ AS requests, compared_ AS compared, unknown_cost, unknown_baseline, cost, baseline,
    baseline - cost AS saved,
    toFloat64(saved) / nullIf(toFloat64(baseline), 0) AS saved_share,
    spent, answers, classifiers, judges, shadows, replays, unknown_calls,
    baseline - spent AS net_saved
FROM answered
CROSS JOIN paid
WHERE requests > 0 OR spent IS NOT NULL OR unknown_calls > 0
