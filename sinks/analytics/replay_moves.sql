-- On which tiers would requests start in a replay, compared with their actual first tiers?
--
-- One row for each pair of tiers and origin of the decision. Each request of the run counts once,
-- also if it was written several times. `sluice replay list` lists the runs.
--
-- param run = : id of the run; empty is the latest one
-- column run_id [text]: the run
-- column from_tier [text]: actual first tier
-- column to_tier [text]: first tier in the replay; empty if the registry rejects the request
-- column how [text]: static, reused, assessed, unasked or refused
-- column requests [count]: number of requests
-- column requests_share [share]: of the run's requests
-- column same [count]: of them, with the recorded tier and pinned model
WITH
    chosen AS
    (
        SELECT argMax(run_id, at) AS latest
        FROM replay_decisions
        WHERE kind = 'opened' AND ({run:String} = '' OR run_id = {run:String})
    ),
    rows AS
    (
        SELECT run_id, from_tier, tier AS to_tier, how, same AS is_same
        FROM replay_decisions
        WHERE kind = 'decision' AND run_id = (SELECT latest FROM chosen)
        ORDER BY offset
        LIMIT 1 BY source_topic, source_partition, source_offset
    )
SELECT
    run_id, from_tier, to_tier, how, count() AS requests,
    requests / sum(requests) OVER () AS requests_share, countIf(is_same) AS same
FROM rows
GROUP BY run_id, from_tier, to_tier, how
ORDER BY requests DESC, from_tier, to_tier, how
