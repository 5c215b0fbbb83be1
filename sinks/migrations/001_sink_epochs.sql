-- Who may write the rows of a partition: the greatest (epoch, claim) of its place. A sink adds one
-- when it is assigned the partition; every insert checks it.
CREATE TABLE IF NOT EXISTS ${DATABASE}.sink_epochs ${ON_CLUSTER}
(
    topic LowCardinality(String),
    partition Int32,
    epoch UInt64,
    claim String,
    instance LowCardinality(String),
    claimed_at DateTime64(3, 'UTC')
)
ENGINE = ${MERGE_TREE}
ORDER BY (topic, partition, epoch, claim)
SETTINGS non_replicated_deduplication_window = 0;
