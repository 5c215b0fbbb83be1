-- Where would a replay have sent the requests, compared with where they really started?
--
-- One row for each pair of tiers and the way in which the decision came about. Each request of the
-- run counts once, however often it was written. `sluice replay list` has the runs.
--
-- param run = : id of the run; empty: the one opened last
-- column run_id [text]: the run
-- column from_tier [text]: tier on which the requests really started
-- column to_tier [text]: tier on which they would start; empty where the registry refuses them
-- column how [text]: static, reused, assessed, unasked or refused
-- column requests [count]: how many
-- column requests_share [share]: of the run's requests
-- column same [count]: of them those whose tier and pinned model are as recorded
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
