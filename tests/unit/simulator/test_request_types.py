"""Bodies that a provider's SDK types refuse: the place that the error names."""

from __future__ import annotations

from typing import Any

import pytest

from infra.simulator.anthropic import request_checks as anthropic
from infra.simulator.call_facts import RequestRejectedError
from infra.simulator.openai import request_checks as openai

PICTURE = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
BLOCK = {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}


def of_openai(content: Any = "Hi", **fields: Any) -> dict[str, Any]:
    message = {"role": "user", "content": content}
    return {"model": "gpt-4o", "messages": [message], **fields}


def of_anthropic(content: Any = "Hi", **fields: Any) -> dict[str, Any]:
    return {
        "model": "claude",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": content}],
    } | fields


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (of_openai(bogus=1), "bogus", None),
        (of_openai(temperature="hot"), "temperature", "invalid_type"),
        (of_openai(logprobs=1), "logprobs", "invalid_type"),
        (of_openai(tool_choice="maybe"), "tool_choice", "invalid_value"),
        (of_openai(service_tier="turbo"), "service_tier", "invalid_value"),
        (
            of_openai(messages=[{"role": "king", "content": "x"}]),
            "messages[0].role",
            "invalid_value",
        ),
        (of_openai(5), "messages[0].content", "invalid_type"),
        (
            of_openai([{"type": "text"}]),
            "messages[0].content[0].text",
            "missing_required_parameter",
        ),
        (of_openai([{**PICTURE, "alt": "x"}]), "messages[0].content[0].alt", None),
        (of_openai([{"type": "smell"}]), "messages[0].content[0].type", "invalid_value"),
        (
            of_openai(messages=[{"role": "system", "content": [PICTURE]}]),
            "messages[0].content[0].type",
            "invalid_value",
        ),
    ],
)
def test_openai_names_the_field_and_the_kind_of_its_fault(
    body: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(RequestRejectedError) as refused:
        openai.read(body)
    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (of_anthropic(bogus=1), "bogus"),
        (of_anthropic(max_tokens=True), "max_tokens"),
        (of_anthropic(service_tier="turbo"), "service_tier"),
        (of_anthropic([{"type": "text"}]), "messages.0.content.0.text"),
        (of_anthropic([{**BLOCK, "alt": "x"}]), "messages.0.content.0.alt"),
        (
            of_anthropic(
                [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/bmp", "data": "x"},
                    }
                ]
            ),
            "messages.0.content.0.source.media_type",
        ),
        (of_anthropic(tools=[{"name": "a"}]), "tools.0.input_schema"),
    ],
)
def test_anthropic_names_the_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestRejectedError) as refused:
        anthropic.read(body)
    assert refused.value.param == param


def test_an_error_does_not_quote_the_body() -> None:
    for read, body in (
        (openai.read, of_openai(temperature="a secret")),
        (anthropic.read, of_anthropic(service_tier="a secret")),
    ):
        with pytest.raises(RequestRejectedError) as refused:
            read(body)
        assert "secret" not in str(refused.value)


def test_sampling_fields_that_older_models_take_are_accepted() -> None:
    assert anthropic.read(of_anthropic(temperature=1, top_p=0.5, top_k=3)).max_tokens == 5
