-- Calls that chance decided on carry its probability; a started record says what its call is for.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS propensity Nullable(Float64)
        COMMENT 'probability of the call, where it was drawn' AFTER purpose;
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS purpose LowCardinality(String)
        COMMENT 'started: what the call is for' AFTER call_id;
