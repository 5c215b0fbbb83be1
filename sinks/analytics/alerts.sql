-- Which alerts fired or were resolved, and which circuits opened?
--
-- Follows the log: for a rule and a subject the first `fired` counts until the first `resolved`;
-- records between them are repeats. An opened circuit has rule provider_down, with model and
-- instance as subject.
--
-- param rule = : rule by its registry name, or a built-in alert
-- param limit = 1000: most rows
-- column at [time]: time of the change
-- column rule [text]: rule by its registry name, or what workers raise by themselves
-- column subject [text]: subject of the alert: tenant, tier, model/instance, topic, ...
-- column state [text]: fired or resolved
-- column severity [text]: info, warning or critical
-- column value [number]: measured value; NULL if the alert has no measure
-- column threshold [number]: the bound
-- column worker [text]: worker that raised it
-- column message [text]: message of the alert
SELECT
    a.at AS at, toString(a.rule) AS rule, a.subject AS subject, toString(a.state) AS state,
    toString(a.severity) AS severity, a.value AS value, a.threshold AS threshold,
    toString(a.worker) AS worker, a.message AS message
FROM alerts AS a
WHERE a.at >= {since:DateTime64(3, 'UTC')} AND a.at < {until:DateTime64(3, 'UTC')}
    AND ({rule:String} = '' OR a.rule = {rule:String})
ORDER BY at DESC, rule, subject
LIMIT {limit:UInt32}
