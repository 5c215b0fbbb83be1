"""Parameters that a model rejects follow from its family, in any deployment name."""

from __future__ import annotations

import pytest

from streams.registry.model_families import refused_by_family

EFFORT, SAMPLING = "reasoning_effort", {"temperature", "top_p", "top_k"}


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("grok-3-mini", False),
        ("grok-3", False),
        ("grok-4", True),
        ("grok-4-0709", True),
        ("grok-4-1-fast-reasoning", True),
        ("xai/grok-4.1-fast-reasoning", True),
        ("grok-4.20-reasoning", True),
        ("grok-4.20-multi-agent-0309", True),
        ("grok-4.3", False),
        ("grok-4.5", False),
        ("grok-4.7-latest", False),
        ("grok-code-fast-1", True),
        ("grok-build-0.1", True),
    ],
)
def test_the_effort_of_grok_is_set_if_the_model_accepts_it(model: str, refused: bool) -> None:
    assert (EFFORT in refused_by_family(model)) is refused


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("claude-opus-4-20250514", False),
        ("claude-opus-4-6", False),
        ("claude-sonnet-4-6", False),
        ("claude-haiku-4-5-20251001", False),
        ("claude-opus-4-7", True),
        ("anthropic/claude-4.7-opus", True),
        ("us.anthropic.claude-opus-4-8-v1:0", True),
        ("claude-opus-5", True),
        ("claude-opus-5-5", True),
        ("claude-sonnet-5", True),
        ("claude-haiku-5-5", True),
        ("claude-fable-5", True),
        ("claude-mythos-5-1", True),
        ("claude-mythos-preview", True),
    ],
)
def test_claude_accepts_no_sampling_parameters_from_opus_4_7_on(model: str, refused: bool) -> None:
    assert refused_by_family(model) == (SAMPLING if refused else set())


@pytest.mark.parametrize("model", ["mistral-large-2512", "devstral-2512", "magistral-medium"])
def test_mistral_gets_its_own_limit_and_no_reasoning_of_earlier_turns(model: str) -> None:
    refused = refused_by_family(model)
    assert {"max_completion_tokens", "reasoning_content", "store"} <= refused
    assert "max_tokens" not in refused


@pytest.mark.parametrize("model", ["prod-o3-mini", "o3", "team/o4-mini@eu"])
def test_a_deployment_name_around_the_family_name_changes_nothing(model: str) -> None:
    assert "temperature" in refused_by_family(model)


@pytest.mark.parametrize("model", ["solo3", "my-model", "turbo-o30", ""])
def test_a_name_that_only_looks_like_a_family_refuses_nothing(model: str) -> None:
    assert refused_by_family(model) == frozenset()
