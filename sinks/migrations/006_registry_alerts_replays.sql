-- What the registry topic said and when: versions, artifacts, moves of the pointer.
CREATE TABLE IF NOT EXISTS ${DATABASE}.registry_versions ${ON_CLUSTER}
(
    entry LowCardinality(String) COMMENT 'registry, artifact or current',
    version String COMMENT 'content hash',
    published_by String COMMENT 'who moved the pointer',
    size Int64 COMMENT 'bytes',
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended_at DateTime64(3, 'UTC') COMMENT 'when it was published',
    ingested_at DateTime64(3, 'UTC')
)
ENGINE = ${MERGE_TREE}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (entry, appended_at)
SETTINGS non_replicated_deduplication_window = 10000;

-- Alerts that fired or were resolved.
CREATE TABLE IF NOT EXISTS ${DATABASE}.alerts ${ON_CLUSTER}
(
    rule LowCardinality(String),
    subject String,
    state LowCardinality(String),
    severity LowCardinality(String),
    message String,
    at DateTime64(3, 'UTC'),
    worker LowCardinality(String),
    value Nullable(Float64),
    threshold Nullable(Float64),
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended_at DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC')
)
ENGINE = ${MERGE_TREE}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (rule, at)
SETTINGS non_replicated_deduplication_window = 10000;

-- What a replay would have decided; decision is all of it, as JSON.
CREATE TABLE IF NOT EXISTS ${DATABASE}.replay_decisions ${ON_CLUSTER}
(
    run_id String,
    tenant LowCardinality(String),
    request_id String,
    tier LowCardinality(String),
    request_model LowCardinality(String),
    decision String CODEC(ZSTD(3)),
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended_at DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC')
)
ENGINE = ${MERGE_TREE}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (run_id, request_id)
SETTINGS non_replicated_deduplication_window = 10000;
