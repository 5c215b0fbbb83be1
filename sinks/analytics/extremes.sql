-- Which requests had the highest latency or cost?
--
-- Covers ended requests of any status. Requests with unknown latency or cost are left out. `sluice
-- explain` shows the details of one request.
--
-- param by = latency (latency | cost): sort column, descending
-- param tenant = : requests of this tenant only; empty is all
-- param limit = 20: most rows
-- column ended_at [time]: when the request ended
-- column tenant [text]: whose request
-- column request_id [text]: its id
-- column status [text]: replied, failed, rejected or expired
-- column feature [text]: feature of the request; empty without one
-- column tier [text]: tier on which it ended
-- column model [text]: model that answered, by its registry name; empty without an answer
-- column latency [ms]: from the request's broker time to its end
-- column cost [USD]: of all its calls; NULL if one is unknown
-- column calls [count]: provider calls
-- column fallbacks [count]: of them, failed and followed by another
-- column tiers [count]: number of tiers that processed it
SELECT
    r.ended_at AS ended_at, toString(r.tenant) AS tenant, r.request_id AS request_id,
    toString(r.status) AS status, toString(r.feature) AS feature, toString(r.tier) AS tier,
    toString(r.model) AS model, r.latency_ms AS latency, r.cost AS cost,
    toInt64(r.calls) AS calls, toInt64(r.fallbacks) AS fallbacks,
    toInt64(length(r.tiers_tried)) AS tiers
FROM requests AS r
WHERE r.ended_at >= {since:DateTime64(3, 'UTC')} AND r.ended_at < {until:DateTime64(3, 'UTC')}
    AND ({tenant:String} = '' OR r.tenant = {tenant:String})
    AND if({by:String} = 'cost', r.cost IS NOT NULL, r.latency_ms IS NOT NULL)
ORDER BY if({by:String} = 'cost', toFloat64(r.cost), r.latency_ms) DESC, tenant, request_id
LIMIT {limit:UInt32}
