-- Which alerts fired, which were resolved, and which circuits were open?
--
-- As they lie on the log: of a rule and a subject the first `fired` counts until the first
-- `resolved`; what lies between is a repeat. A circuit that opened is rule provider_down, its
-- subject the model and instance.
--
-- param rule = : one rule only; empty is all
-- param limit = 1000: most rows
-- column at [time]: when
-- column rule [text]: rule by its registry name, or what workers raise by themselves
-- column subject [text]: tenant, tier, model/instance, topic, ... ; what it is about
-- column state [text]: fired or resolved
-- column severity [text]: info, warning or critical
-- column value [number]: what was measured; NULL where the alert measures nothing
-- column threshold [number]: the bound
-- column worker [text]: who said it
-- column message [text]: in words
SELECT
    a.at AS at, toString(a.rule) AS rule, a.subject AS subject, toString(a.state) AS state,
    toString(a.severity) AS severity, a.value AS value, a.threshold AS threshold,
    toString(a.worker) AS worker, a.message AS message
FROM alerts AS a
WHERE a.at >= {since:DateTime64(3, 'UTC')} AND a.at < {until:DateTime64(3, 'UTC')}
    AND ({rule:String} = '' OR a.rule = {rule:String})
ORDER BY at DESC, rule, subject
LIMIT {limit:UInt32}
