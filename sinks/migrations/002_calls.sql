-- One row per real provider call; an interrupted call may have a second row, repeat = 1, once its
-- real end is known. Money is summed over all rows, calls are counted over repeat = 0 (view spend).
CREATE TABLE IF NOT EXISTS ${DATABASE}.calls ${ON_CLUSTER}
(
    tenant LowCardinality(String),
    request_id String,
    hop Int32,
    visit Int32,
    call_id String,
    purpose LowCardinality(String) COMMENT 'answer, classify, judge, shadow or replay',
    at DateTime64(3, 'UTC') COMMENT 'when the call ended or was found cut off',
    started_at Nullable(DateTime64(3, 'UTC')),
    tier LowCardinality(String),
    provider LowCardinality(String),
    request_model LowCardinality(String) COMMENT 'by its registry name',
    response_model LowCardinality(String) COMMENT 'as the provider says',
    instance LowCardinality(String),
    status LowCardinality(String) COMMENT 'ok, an error class, or interrupted',
    http_status Nullable(UInt16),
    finish_reason LowCardinality(String),
    input_tokens Nullable(Int64) COMMENT 'cached ones included',
    output_tokens Nullable(Int64) COMMENT 'reasoning ones included',
    cache_read_tokens Nullable(Int64),
    cache_write_tokens Nullable(Int64),
    reasoning_tokens Nullable(Int64),
    cost Nullable(Decimal(18, 9)) COMMENT 'USD; NULL is unknown',
    price_source LowCardinality(String) COMMENT 'empty: no price is known',
    latency_ms Nullable(Float64),
    worker LowCardinality(String),
    incarnation String,
    late Bool COMMENT 'its worker had lost the partition and its lease',
    user_id String,
    user_tier LowCardinality(String),
    feature LowCardinality(String),
    registry_version LowCardinality(String),
    experiment LowCardinality(String),
    arm LowCardinality(String),
    repeat UInt8 COMMENT '1: another row of this call came before',
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    appended_at DateTime64(3, 'UTC') COMMENT 'broker time',
    ingested_at DateTime64(3, 'UTC') COMMENT 'sink time, kept over retries',
    INDEX by_request request_id TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX by_time appended_at TYPE minmax GRANULARITY 1,
    PROJECTION stored (SELECT topic, partition, max(offset) GROUP BY topic, partition)
)
ENGINE = ${MERGE_TREE}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (toStartOfHour(at), tenant, tier, request_id)
SETTINGS non_replicated_deduplication_window = 10000;
