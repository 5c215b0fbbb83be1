-- What could not be read or delivered: its hash, size, headers and cause, never its payload. The
-- bytes themselves lie on the *.dlq topics, or, for events, at (topic, partition, offset).
CREATE TABLE IF NOT EXISTS ${DATABASE}.dead_letters ${ON_CLUSTER}
(
    cause LowCardinality(String),
    reason String,
    source String COMMENT 'topic:partition:offset of the original, where known',
    worker LowCardinality(String),
    sha256 String COMMENT 'of the value, hex',
    size Int64 COMMENT 'bytes of the value',
    key_size Int64 COMMENT 'bytes of the key',
    headers Map(String, String) COMMENT 'cut to 256 characters each',
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended_at DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC'),
    PROJECTION stored (SELECT topic, partition, max(offset) GROUP BY topic, partition)
)
ENGINE = ${MERGE_TREE}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (topic, appended_at)
SETTINGS non_replicated_deduplication_window = 10000;
