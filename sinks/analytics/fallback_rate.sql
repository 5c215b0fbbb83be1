-- How often do calls fail, at which instance, and why?
--
-- A failed call is followed by another: a retry, another instance, another model, the next tier.
-- The first row, all providers and errors together, is the rate over the whole range. Instances
-- without a failure have a row with an empty error.
--
-- column provider [text]: provider by name; empty in the first row
-- column model [text]: model by its registry name
-- column instance [text]: instance of the model
-- column error [text]: error class, or interrupted: cut off by a crash of Sluice; any in the first row
-- column failed [count]: calls with this error
-- column calls [count]: all answering calls of this instance
-- column rate [share]: failed as a share of calls
WITH
    ends AS
    (
        SELECT
            toString(s.provider) AS provider,
            toString(s.request_model) AS model,
            toString(s.instance) AS instance,
            if(s.status = 'ok', '', toString(s.status)) AS error,
            sum(s.calls) AS ended
        FROM spend_by_model(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        ) AS s
        WHERE s.purpose = 'answer'
        GROUP BY provider, model, instance, error
        HAVING ended > 0
    ),
    by_error AS
    (
        SELECT
            provider, model, instance, error,
            if(error = '', 0, ended) AS failed,
            sum(ended) OVER same_instance AS calls,
            count() OVER same_instance AS kinds
        FROM ends
        WINDOW same_instance AS (PARTITION BY provider, model, instance)
    )
SELECT provider, model, instance, error, failed, calls, failed / calls AS rate
FROM
(
    SELECT
        '' AS provider, '' AS model, '' AS instance, 'any' AS error,
        sumIf(ended, ends.error != '') AS failed, sum(ended) AS calls
    FROM ends
    HAVING calls > 0
    UNION ALL
    SELECT provider, model, instance, error, failed, calls
    FROM by_error
    WHERE error != '' OR kinds = 1
)
ORDER BY error = 'any' DESC, rate DESC, failed DESC, provider, model, instance, error
