"""Bodies that the vendors accept: thinking, documents, server tools, cache marks, nulls; and what
a refusal says.
"""

from __future__ import annotations

from typing import Any

import pytest

from infra.simulator.anthropic import request_checks as anthropic
from infra.simulator.call_facts import RequestRejectedError
from infra.simulator.openai import request_checks as openai
from tests.unit.simulator.test_request_types import of_anthropic, of_openai
from tests.unit.simulator.world import FORMATS, PATHS, calling, run

MARK = {"cache_control": {"type": "ephemeral"}}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
SOURCES: dict[str, dict[str, Any]] = {
    "base64": PDF,
    "url": {"type": "url", "url": "https://a.example/b.pdf"},
    "text": {"type": "text", "media_type": "text/plain", "data": "Some words."},
    "content": {"type": "content", "content": [{"type": "text", "text": "Some words."}]},
}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "s"}
SEARCH = [
    {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}},
    {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [
        {"type": "web_search_result", "url": "https://a.example", "title": "t",
         "encrypted_content": "e"}]},
]  # fmt: skip


def conversation(*assistant: dict[str, Any], **fields: Any) -> dict[str, Any]:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [*assistant, {"type": "text", "text": "Hello."}]},
        {"role": "user", "content": "And?"},
    ]
    return of_anthropic(messages=turns, **fields)


def message_of(read: Any, body: dict[str, Any]) -> str:
    with pytest.raises(RequestRejectedError) as refused:
        read(body)
    return str(refused.value)


@pytest.mark.parametrize("source", SOURCES)
def test_documents_are_accepted_and_their_words_counted(source: str) -> None:
    document = {"type": "document", "source": SOURCES[source], "title": "t", **MARK}
    read = anthropic.read(of_anthropic([document, {"type": "text", "text": "Hi"}]))
    assert read.prompt == "Hi"
    assert ("Some words." in read.text) is (source in {"text", "content"})
    assert read.writes_cache


@pytest.mark.parametrize(
    "blocks", [[THINKING], [{"type": "redacted_thinking", "data": "d"}], SEARCH]
)
def test_thinking_and_server_tools_of_earlier_turns_are_accepted(
    blocks: list[dict[str, Any]],
) -> None:
    assert anthropic.read(conversation(*blocks)).prompt == "And?"
    assert "not allowed in a turn of user" in message_of(anthropic.read, of_anthropic(blocks))


def test_a_document_is_not_the_assistant_s() -> None:
    document = {"type": "document", "source": PDF}
    assert "in a turn of assistant" in message_of(anthropic.read, conversation(document))


def test_server_tools_are_accepted_and_never_called() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}
    own = {"name": "f", "input_schema": {"type": "object"}, **MARK}
    read = anthropic.read(of_anthropic(tools=[search, own], tool_choice={"type": "any"}))
    assert (list(read.tools), read.forced_tool) == (["f"], "*")
    read = anthropic.read(of_anthropic(tools=[search], tool_choice={"type": "any"}))
    assert read.forced_tool is None


def test_cache_marks_are_accepted_up_to_four() -> None:
    blocks = [{"type": "text", "text": "x", **MARK}] * 3
    system = [{"type": "text", "text": "y", **MARK}]
    assert anthropic.read(of_anthropic(blocks, system=system)).writes_cache
    assert not anthropic.read(of_anthropic()).writes_cache
    assert "maximum of 4" in message_of(anthropic.read, of_anthropic(blocks, system=system * 2))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 1_023}}, "at least 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5_000}}, "max_tokens must be greater"),
        ({"temperature": 0.5}, "temperature may only be set to 1"),
        ({"tools": [{"name": "f", "input_schema": {"type": "object"}}],
          "tool_choice": {"type": "any"}}, "tool_choice forces"),
    ],
)  # fmt: skip
def test_thinking_has_conditions(fields: dict[str, Any], wrong: str) -> None:
    fine = {"thinking": {"type": "enabled", "budget_tokens": 1_024}, "max_tokens": 5_000}
    assert anthropic.read(of_anthropic(**fine)).thinks
    assert wrong in message_of(anthropic.read, of_anthropic(**fine) | fields)


def test_openai_accepts_null_options_and_anthropic_refuses_them() -> None:
    names = ("tools", "tool_choice", "response_format", "stop", "stream", "parallel_tool_calls")
    assert openai.read(of_openai(**dict.fromkeys(names))).tools == {}
    function = {"name": "f", "parameters": None, "description": None, "strict": None}
    tools = [{"type": "function", "function": function}]
    assert openai.read(of_openai(tools=tools)).tools == {"f": {}}
    for name in ("system", "tools", "tool_choice", "stop_sequences"):
        assert message_of(anthropic.read, of_anthropic(**{name: None})).startswith(f"{name}: ")


def test_an_image_in_its_original_detail_is_accepted() -> None:
    image = {"url": "https://a.example/b.png", "detail": "original"}
    assert openai.read(of_openai([{"type": "image_url", "image_url": image}])).prompt == ""


EXPECTED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "content, openai": (openai.read, of_openai(5), "a valid string or a valid list"),
    "a part's type, openai": (openai.read, of_openai([{"type": "smell"}]), "'text', 'image_url', "),
    "a role": (openai.read, of_openai(messages=[{"role": "king", "content": "x"}]),
               "'developer', 'system', 'user', 'assistant', 'tool' or 'function'"),
    "a choice": (openai.read, of_openai(tool_choice="maybe"),
                 "'none', 'auto', 'required' or a valid dictionary"),
    "a format": (openai.read, of_openai(response_format={"type": "xml"}),
                 "'text', 'json_schema' or 'json_object'"),
    "content, anthropic": (anthropic.read, of_anthropic(5), "a valid string or a valid list"),
    "a block's type": (anthropic.read, of_anthropic([{"type": "smell"}]), "'text', 'image', 'docu"),
    "system": (anthropic.read, of_anthropic(system=5), "a valid string or a valid list"),
    "thinking": (anthropic.read, of_anthropic(thinking={"type": "x"}),
                 "'enabled', 'disabled', "),
}  # fmt: skip


@pytest.mark.parametrize("what", EXPECTED)
def test_a_refusal_says_all_that_is_possible(what: str) -> None:
    read, body, wanted = EXPECTED[what]
    assert f"Input should be {wanted}" in message_of(read, body)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"null"])
def test_a_body_that_is_no_json_object_is_said_to_be_so(name: str, body: bytes) -> None:
    async def case() -> None:
        async with calling(name) as caller:
            headers = {"anthropic-version": "2023-06-01"}
            answer = await caller.http.post(PATHS[name], content=body, headers=headers)
            assert answer.status_code == 400
            assert answer.json()["error"]["type"] == "invalid_request_error"
            assert "JSON" in answer.json()["error"]["message"]
            assert "model" not in answer.json()["error"]["message"]

    run(case())
