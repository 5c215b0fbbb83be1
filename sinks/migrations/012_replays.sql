-- A replayed decision by its parts, beside what was recorded; a run's opening and closing as well.
ALTER TABLE ${DATABASE}.replay_decisions ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS kind LowCardinality(String)
        COMMENT 'opened, decision or closed' AFTER run_id,
    ADD COLUMN IF NOT EXISTS at DateTime64(3, 'UTC')
        COMMENT 'when it was written' AFTER kind,
    ADD COLUMN IF NOT EXISTS source_topic LowCardinality(String)
        COMMENT 'where the request lies' AFTER request_id,
    ADD COLUMN IF NOT EXISTS source_partition Int32 AFTER source_topic,
    ADD COLUMN IF NOT EXISTS source_offset Int64 AFTER source_partition,
    ADD COLUMN IF NOT EXISTS requested_at DateTime64(3, 'UTC') AFTER source_offset,
    ADD COLUMN IF NOT EXISTS user_id String AFTER requested_at,
    ADD COLUMN IF NOT EXISTS user_tier LowCardinality(String) AFTER user_id,
    ADD COLUMN IF NOT EXISTS feature LowCardinality(String) AFTER user_tier,
    ADD COLUMN IF NOT EXISTS how LowCardinality(String)
        COMMENT 'static, reused, assessed, unasked or refused' AFTER feature,
    ADD COLUMN IF NOT EXISTS same Nullable(Bool)
        COMMENT 'tier and pinned model are what was recorded' AFTER how,
    ADD COLUMN IF NOT EXISTS from_tier LowCardinality(String)
        COMMENT 'tier that it really started on' AFTER same,
    ADD COLUMN IF NOT EXISTS from_model LowCardinality(String)
        COMMENT 'first model of that way, as if all had room' AFTER from_tier,
    ADD COLUMN IF NOT EXISTS from_score Nullable(Float64) AFTER from_model,
    ADD COLUMN IF NOT EXISTS from_version LowCardinality(String) AFTER from_score,
    ADD COLUMN IF NOT EXISTS models Array(LowCardinality(String))
        COMMENT 'models that the replay would ask, in order' AFTER tier,
    ADD COLUMN IF NOT EXISTS marks Array(Float64)
        COMMENT 'confidence below which the next is asked, -1 of the last' AFTER models,
    ADD COLUMN IF NOT EXISTS pinned_model LowCardinality(String) AFTER marks,
    ADD COLUMN IF NOT EXISTS classifier LowCardinality(String) AFTER pinned_model,
    ADD COLUMN IF NOT EXISTS score Nullable(Float64) AFTER classifier,
    ADD COLUMN IF NOT EXISTS reasons Array(String) CODEC(ZSTD(3)) AFTER score,
    ADD COLUMN IF NOT EXISTS registry_version LowCardinality(String) AFTER reasons,
    ADD COLUMN IF NOT EXISTS code_version LowCardinality(String) AFTER registry_version,
    ADD COLUMN IF NOT EXISTS artifact LowCardinality(String) AFTER code_version,
    ADD COLUMN IF NOT EXISTS experiment LowCardinality(String) AFTER artifact,
    ADD COLUMN IF NOT EXISTS arm LowCardinality(String) AFTER experiment,
    ADD COLUMN IF NOT EXISTS difficulty Nullable(Float64)
        COMMENT 'how demanding the request was found, 0..1' AFTER arm,
    ADD COLUMN IF NOT EXISTS tokens Nullable(Int32)
        COMMENT 'estimated input tokens' AFTER difficulty,
    ADD COLUMN IF NOT EXISTS chance_models Array(LowCardinality(String))
        COMMENT 'models whose answer a draw could have shown' AFTER tokens,
    ADD COLUMN IF NOT EXISTS chance_values Array(Float64)
        COMMENT 'with which probability' AFTER chance_models,
    ADD COLUMN IF NOT EXISTS refusal String AFTER chance_values,
    ADD COLUMN IF NOT EXISTS document String CODEC(ZSTD(3))
        COMMENT 'opened: parameters, closed: summary, as JSON' AFTER refusal,
    COMMENT COLUMN IF EXISTS request_model 'model that would be asked first',
    COMMENT COLUMN IF EXISTS decision 'inputs of the decision, as JSON';
