"""Names of `extra_body`: those that no model may list, and those that are accepted by default."""

from __future__ import annotations

NEVER = frozenset(
    {
        *("model", "models", "messages", "n", "stream", "stream_options"),
        *("max_tokens", "max_completion_tokens", "tools", "functions"),
    }
)
"""Names that no entry may list: the call's own parameters, which routing, prices and answers use.
"""

SAMPLING = frozenset(
    {
        *("top_k", "min_p", "top_a", "typical_p", "tfs", "repetition_penalty", "length_penalty"),
        *("mirostat", "mirostat_eta", "mirostat_tau", "no_repeat_ngram_size", "random_seed"),
        *("min_tokens", "ignore_eos", "stop_token_ids", "bad_words", "include_stop_str_in_output"),
        *("skip_special_tokens", "spaces_between_special_tokens"),
    }
)
REASONING = frozenset(
    {
        *("thinking", "reasoning", "reasoning_format", "include_reasoning", "enable_thinking"),
        *("thinking_budget", "prompt_mode", "effort", "output_config"),
    }
)
GUIDED = frozenset(
    {
        *("guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs"),
        *("grammar", "json_schema", "guided_decoding_backend"),
    }
)
TEMPLATES = frozenset(
    {
        *("chat_template_kwargs", "add_generation_prompt", "continue_final_message", "documents"),
        *("add_special_tokens", "truncate_prompt_tokens", "prefix"),
    }
)
OTHERS = frozenset(
    {
        *("cache_control", "prompt_cache_retention", "prediction", "safe_prompt"),
        *("safety_settings", "google", "request_id", "cache_salt"),
    }
)
USUAL = SAMPLING | REASONING | GUIDED | TEMPLATES | OTHERS
"""Names accepted by a model whose entry lists none: they change an answer, but select no other
model, tool, service tier, or anything else billed separately.
"""
