-- One row per signal about the quality of an answer.
CREATE TABLE IF NOT EXISTS ${DATABASE}.quality ${ON_CLUSTER}
(
    tenant LowCardinality(String),
    request_id String,
    hop Nullable(Int32) COMMENT 'NULL: the request as a whole',
    visit Nullable(Int32),
    call_id String,
    at DateTime64(3, 'UTC'),
    signal LowCardinality(String) COMMENT 'cascade_confidence, validator, judge, feedback or golden',
    name LowCardinality(String),
    score Nullable(Float64) COMMENT '0..1; NULL: the signal has none',
    passed Nullable(Bool),
    label LowCardinality(String),
    comment String,
    detail String COMMENT 'JSON',
    tier LowCardinality(String),
    provider LowCardinality(String),
    request_model LowCardinality(String),
    worker LowCardinality(String),
    user_id String,
    user_tier LowCardinality(String),
    feature LowCardinality(String),
    registry_version LowCardinality(String),
    experiment LowCardinality(String),
    arm LowCardinality(String),
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended_at DateTime64(3, 'UTC'),
    ingested_at DateTime64(3, 'UTC'),
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 2,
    PROJECTION stored (SELECT topic, partition, max(offset) GROUP BY topic, partition)
)
ENGINE = ${MERGE_TREE}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (toStartOfHour(at), signal, tier, request_id)
SETTINGS non_replicated_deduplication_window = 10000;
