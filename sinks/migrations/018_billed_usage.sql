-- All that a call's price is made of, so that it can be checked and priced again.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER}
    ADD COLUMN IF NOT EXISTS cache_write_1h_tokens Nullable(Int64)
        COMMENT 'of the tokens written to the cache, those kept for an hour' AFTER reasoning_tokens,
    ADD COLUMN IF NOT EXISTS audio_input_tokens Nullable(Int64)
        COMMENT 'of the input tokens, audio' AFTER cache_write_1h_tokens,
    ADD COLUMN IF NOT EXISTS audio_output_tokens Nullable(Int64)
        COMMENT 'of the output tokens, audio' AFTER audio_input_tokens,
    ADD COLUMN IF NOT EXISTS web_searches Nullable(Int64)
        COMMENT 'searches that the provider made' AFTER audio_output_tokens,
    ADD COLUMN IF NOT EXISTS service_tier LowCardinality(String)
        COMMENT 'as billed, empty for the standard one' AFTER web_searches,
    ADD COLUMN IF NOT EXISTS speed LowCardinality(String)
        COMMENT 'as billed, empty for the standard one' AFTER service_tier,
    ADD COLUMN IF NOT EXISTS geography LowCardinality(String)
        COMMENT 'as billed, empty for the standard one' AFTER speed,
    ADD COLUMN IF NOT EXISTS unknown_usage Array(String)
        COMMENT 'usage without a known price, with any of it the cost is NULL' AFTER geography;
