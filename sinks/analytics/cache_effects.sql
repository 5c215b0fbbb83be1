-- How much input comes from prompt caches, and are such calls cheaper and faster?
--
-- Covers answered calls with known tokens. A call counts as cached if the provider read any of its
-- input from a cache. Prompts differ, so prices are per token rather than per call:
-- cached_usd_per_million is the cost of a group's calls over all their tokens, input and output.
-- Calls of unknown cost have tokens, but no price.
--
-- column provider [text]: provider by name
-- column model [text]: model by its registry name
-- column calls [count]: answered calls with known tokens
-- column cached_calls [count]: of them, with input from a cache
-- column input_tokens [tokens]: of all calls, cached tokens included
-- column cached_tokens [tokens]: input tokens read from a cache
-- column cached_share [share]: of the input tokens
-- column cached_usd_per_million [number]: USD per million tokens of the cached calls
-- column uncached_usd_per_million [number]: of the others
-- column cached_p50 [ms]: median latency of the cached calls, at most 1 % off (DDSketch)
-- column uncached_p50 [ms]: of the others
WITH found AS
(
    SELECT
        toString(c.provider) AS of_provider, toString(c.request_model) AS of_model, cached,
        sum(calls) AS calls_, sum(c.tokens_in) AS tokens_in,
        sum(c.tokens_cached) AS tokens_cached,
        toFloat64(sum(c.cost_known)) * 1e6 / nullIf(sum(c.priced_tokens), 0) AS price,
        -- Without a time there is no middle: not a number.
        quantilesDDMerge(0.01, 0.5)(c.pace)[1] AS halfway,
        if(isNaN(halfway), NULL, halfway) AS middle
    FROM spend_by_cache(
            since = {since:DateTime64(3, 'UTC')}, until = {until:DateTime64(3, 'UTC')}
        ) AS c
    GROUP BY of_provider, of_model, cached
    HAVING calls_ > 0
)
SELECT
    of_provider AS provider, of_model AS model,
    sum(calls_) AS calls,
    sumIf(calls_, cached) AS cached_calls,
    sum(tokens_in) AS input_tokens,
    ifNull(sum(tokens_cached), 0) AS cached_tokens,
    cached_tokens / nullIf(input_tokens, 0) AS cached_share,
    anyIf(price, cached) AS cached_usd_per_million,
    anyIf(price, NOT cached) AS uncached_usd_per_million,
    anyIf(middle, cached) AS cached_p50,
    anyIf(middle, NOT cached) AS uncached_p50
FROM found
GROUP BY of_provider, of_model
ORDER BY input_tokens DESC, provider, model
