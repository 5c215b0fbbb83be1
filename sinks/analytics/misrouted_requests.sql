-- How many requests that need more than the first tier got a poor answer?
--
-- The need is known from feedback, or a golden verdict, labelled needs:TIER, where TIER is the
-- first that answers such a request well. The score of the signal refers to the given answer; the
-- mean of a request counts once. The row without a tier is the sum of requests that need more than
-- the first tier; unlabelled requests are in no row.
--
-- param first = simple: the first tier
-- param below = 0.7: score below which an answer is below the bar
-- column needs [text]: the required tier; empty: any but the first
-- column requests [count]: ended requests with this label
-- column on_first [count]: of them, answered by the first tier
-- column scored [count]: of them, with a score
-- column below_bar [count]: of the scored, below the bar
-- column rate [share]: below the bar, as a share of scored
WITH
    labelled AS
    (
        SELECT request_hash, at, label, score
        FROM opinions
        WHERE signal IN ('feedback', 'golden') AND startsWith(label, 'needs:')
            AND at >= {since:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
    ),
    ended AS
    (
        SELECT request_hash, requested_at, tier
        FROM requests
        WHERE ended_at >= {since:DateTime64(3, 'UTC')} AND ended_at < {until:DateTime64(3, 'UTC')}
            AND request_hash IN (SELECT request_hash FROM labelled)
    ),
    told AS
    (
        SELECT
            any(e.tier) AS answered_by, argMax(substring(q.label, 7), q.at) AS needed,
            avg(q.score) AS liking
        FROM labelled AS q
        ASOF INNER JOIN ended AS e
            ON q.request_hash = e.request_hash AND q.at >= e.requested_at
        GROUP BY e.request_hash, e.requested_at
    )
SELECT
    needs,
    count() AS requests,
    countIf(answered_by = {first:String}) AS on_first,
    count(liking) AS scored,
    countIf(liking < {below:Float64}) AS below_bar,
    below_bar / nullIf(scored, 0) AS rate
FROM told
ARRAY JOIN if(needed = {first:String}, [needed], [needed, '']) AS needs
GROUP BY needs
ORDER BY needs != '', needs
