"""What is sent to a provider: address, headers and the translated body."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streams.providers.anthropic.request import DEFAULT_MAX_TOKENS
from streams.providers.port import Endpoint, ErrorClass
from tests.unit.providers.world import (
    FORMATS,
    MODELS,
    QUICK,
    answering,
    chat,
    good,
    run,
    served,
)


def _sent(
    name: str, *, path: str = "", api_version: str | None = None, **body: Any
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Path, headers and body of one call."""

    async def case() -> Any:
        async with served(name, answering(good(name))) as (wire, received):
            endpoint = Endpoint(
                name="here",
                base_url=wire.url + path,
                api_key_env="SOME_API_KEY",
                api_version=api_version,
            )
            model = body.pop("model", "some-model")
            await wire.provider.complete(chat(model, QUICK, **body), endpoint)
            headers = {key.lower(): value for key, value in received.headers[0].items()}
            return received.paths[0], headers, received.bodies[0]

    found: tuple[str, dict[str, str], dict[str, Any]] = run(case())
    return found


@pytest.mark.parametrize(
    ("name", "path", "wanted"),
    [
        ("openai", "", "/v1/chat/completions"),
        ("openai", "/", "/v1/chat/completions"),
        ("openai", "/v1", "/v1/chat/completions"),
        ("openai", "/compatible/v3/", "/compatible/v3/chat/completions"),
        ("anthropic", "", "/v1/messages"),
        ("anthropic", "/proxy/v1", "/proxy/v1/messages"),
    ],
)
def test_a_base_url_leads_to_the_format_s_own_path(name: str, path: str, wanted: str) -> None:
    assert _sent(name, path=path)[0] == wanted


def test_openai_gets_a_bearer_key_and_the_call_s_id() -> None:
    headers = _sent("openai")[1]
    assert headers["authorization"] == "Bearer sk-some"
    assert headers["x-client-request-id"] == "call-1"
    assert headers["content-type"] == "application/json"


def test_azure_gets_its_deployment_its_version_and_its_own_key_header() -> None:
    for path in ("", "/openai"):
        url, headers, body = _sent(
            "openai", path=path, api_version="2024-10-21", model="my gpt", max_tokens=5
        )
        assert url == "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
        assert headers["api-key"] == "sk-some"
        assert "authorization" not in headers
        assert body["max_completion_tokens"] == 5


def test_anthropic_gets_its_key_and_a_version() -> None:
    headers = _sent("anthropic")[1]
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("sk-some", "2023-06-01")
    assert _sent("anthropic", api_version="2099-01-01")[1]["anthropic-version"] == "2099-01-01"


def test_a_compatible_server_gets_the_older_names() -> None:
    body = _sent(
        "openai",
        max_completion_tokens=7,
        messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    )[2]
    assert body["max_tokens"] == 7
    assert "max_completion_tokens" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_everything_else_of_an_openai_body_arrives_as_it_was() -> None:
    fields = {
        "seed": 3,
        "stop": ["x"],
        "temperature": 0.5,
        "logprobs": True,
        "top_logprobs": 2,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
    }
    body = _sent("openai", **fields)[2]
    assert {key: body[key] for key in fields} == fields


@pytest.mark.parametrize("name", FORMATS)
def test_extra_body_is_laid_over_the_body(name: str) -> None:
    body = _sent(name, extra_body={"top_k": 5})[2]
    assert body["top_k"] == 5
    assert "extra_body" not in body


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("field", ["model", "messages", "stream", "n", "max_tokens"])
def test_extra_body_cannot_change_the_routing_decision(name: str, field: str) -> None:
    async def case() -> None:
        async with served(name, answering(good(name))) as (wire, received):
            error = await wire.refused(extra_body={field: "x"})
            assert error.error_class is ErrorClass.INVALID_REQUEST
            assert not error.sent
            assert field in str(error)
            assert not received.bodies

    run(case())


def test_anthropic_requests_use_its_own_fields() -> None:
    body = _sent(
        "anthropic",
        messages=[
            {"role": "system", "content": "One."},
            {"role": "user", "content": "a"},
            {"role": "developer", "content": "Two."},
            {"role": "user", "content": "b"},
        ],
        temperature=1.8,
        top_p=0.5,
        stop="END",
        seed=4,
        logprobs=True,
        safety_identifier="u1",
        service_tier="default",
    )[2]
    assert body == {
        "model": "some-model",
        "max_tokens": DEFAULT_MAX_TOKENS,
        "system": "One.\n\nTwo.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": t} for t in ("a", "b")]}
        ],
        "temperature": 1.0,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
        "service_tier": "standard_only",
    }


def test_a_picture_as_data_is_sent_as_data_and_an_address_is_never_fetched() -> None:
    def picture(url: str) -> dict[str, Any]:
        content = [{"type": "image_url", "image_url": {"url": url}}]
        body = _sent("anthropic", messages=[{"role": "user", "content": content}])[2]
        source: dict[str, Any] = body["messages"][0]["content"][0]["source"]
        return source

    assert picture("data:image/jpg;base64,AAAA") == {
        "type": "base64",
        "media_type": "image/jpeg",
        "data": "AAAA",
    }
    assert picture("https://example.org/a.png") == {
        "type": "url",
        "url": "https://example.org/a.png",
    }


def test_a_picture_of_another_kind_is_refused_before_anything_is_sent() -> None:
    async def case() -> None:
        async with served("anthropic", answering(good("anthropic"))) as (wire, received):
            content = [{"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA"}}]
            error = await wire.refused(messages=[{"role": "user", "content": content}])
            assert error.error_class is ErrorClass.BAD_REQUEST
            assert not received.bodies

    run(case())


def test_tool_results_come_first_and_keep_their_ids() -> None:
    call = {
        "id": "a b",
        "type": "function",
        "function": {"name": "f", "arguments": '{"x": 1}'},
    }
    body = _sent(
        "anthropic",
        messages=[
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "so:", "tool_calls": [call, {**call, "id": "c"}]},
            {"role": "tool", "tool_call_id": "c", "content": "one"},
            {"role": "user", "content": "and?"},
            {"role": "tool", "tool_call_id": "a b", "content": "two"},
        ],
        tools=[{"type": "function", "function": {"name": "f"}}],
    )[2]
    used = [block["id"] for block in body["messages"][1]["content"][1:]]
    after = body["messages"][2]["content"]
    assert [block["type"] for block in after] == ["tool_result", "tool_result", "text"]
    assert [block["tool_use_id"] for block in after[:2]] == used[::-1]
    assert used[1] == "c"
    assert " " not in used[0]


@pytest.mark.parametrize("name", FORMATS)
def test_the_trace_is_sent_where_a_call_carries_one_and_not_else(name: str) -> None:
    async def case() -> None:
        async with served(name, answering(good(name))) as (wire, received):
            await wire.ask()
            traced_call = replace(chat(MODELS[name]), trace_headers={"traceparent": "00-a-b-01"})
            await wire.provider.complete(traced_call, wire.endpoint)
            without, traced = ({key.lower() for key in headers} for headers in received.headers)
            assert "traceparent" not in without
            assert "traceparent" in traced

    run(case())
