"""Requests of Anthropic's messages: block by block, and through the contract to a provider."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.encoding import exact_json
from schemas.request import read_request
from streams.gateway.dialects.anthropic.errors import error_body
from streams.gateway.dialects.anthropic.request import parse_messages
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.errors import HttpError
from streams.providers.answer_fields import encode
from streams.providers.anthropic.request import request_body
from streams.providers.port import ChatCall, Timeouts

USER = {"role": "user", "content": "Hi"}
TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}
PNG = {"type": "base64", "media_type": "image/png", "data": "aGk="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
PLAIN = {"type": "text", "media_type": "text/plain", "data": "Kafka is a log."}


def body_of(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "auto", "max_tokens": 9, "messages": list(messages or (USER,)), **more}


def parsed(*messages: Any, **more: Any) -> ParsedRequest:
    """A request, whose document the contract accepts."""
    found = parse_messages(body_of(*messages, **more), frozenset({"min_p"}))
    read_request(dict(found.document))
    return found


def document(*messages: Any, **more: Any) -> dict[str, Any]:
    return dict(parsed(*messages, **more).document)


def needs_vendor(*messages: Any, **more: Any) -> bool:
    native = parsed(*messages, **more).native
    assert native is not None
    return native.required


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def passed_on(found: ParsedRequest) -> dict[str, Any]:
    """The body that a provider of this dialect gets from the contract's form."""
    call = ChatCall(
        call_id="c1",
        model="claude",
        body=read_request(dict(found.document)).body,
        timeouts=Timeouts(),
    )
    sent: dict[str, Any] = orjson.loads(encode(request_body(call)))
    return sent


@pytest.mark.parametrize(
    ("blocks", "content"),
    [
        ([text("a")], "a"),
        ([text("a", cache_control={"type": "ephemeral"}), text("b", citations=None)],
         [text("a"), text("b")]),
        ([{"type": "image", "source": PNG}], [image("data:image/png;base64,aGk=")]),
        ([{"type": "image", "source": {"type": "url", "url": "https://a.b/c.png"}}],
         [image("https://a.b/c.png")]),
        ([{"type": "document", "source": PLAIN, "title": "T", "context": "C"}],
         "T\nC\nKafka is a log."),
        ([{"type": "document", "title": "T", "source": {
            "type": "content", "content": [text("a"), {"type": "image", "source": PNG}]}}],
         [text("T"), text("a"), image("data:image/png;base64,aGk=")]),
        ([{"type": "search_result", "source": "https://a.b", "title": "T", "content": [text("x")]}],
         "T\nhttps://a.b\nx"),
    ],
)  # fmt: skip
def test_a_block_that_the_contract_expresses_needs_no_vendor(blocks: Any, content: Any) -> None:
    assert document(user(*blocks))["messages"] == [{"role": "user", "content": content}]
    assert not needs_vendor(user(*blocks))


@pytest.mark.parametrize(
    "block",
    [
        text("a", citations=[{"type": "char_location", "cited_text": "a"}]),
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "document", "source": PDF},
        {"type": "document", "source": {"type": "url", "url": "https://a.b/c.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "document", "source": PLAIN, "citations": {"enabled": True}},
        {"type": "search_result", "source": "s", "title": "t", "content": [text("x")],
         "citations": {"enabled": True}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "a_block_of_tomorrow", "field": 1},
    ],
)  # fmt: skip
def test_a_block_without_another_form_needs_a_provider_of_this_dialect(block: Any) -> None:
    found = parsed(user(block, text("What is this?")))
    assert found.native is not None
    assert found.native.required
    assert found.native.body["messages"] == [user(block, text("What is this?"))]
    assert len(found.document["messages"][0]["content"]) == 2


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {}},
        {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}},
        {"type": "mcp_tool_result", "tool_use_id": "m", "content": "x"},
        {"type": "tool_use", "id": "t", "name": "n", "input": {},
         "caller": {"type": "code_execution_20250825", "tool_id": "s"}},
        {"type": "tool_use", "id": "t", "name": "n", "input": {}, "caller": {"type": []}},
        {"type": "tool_use", "id": "t", "name": "n", "input": {}, "toolset_name": "browser"},
    ],
)  # fmt: skip
def test_calls_of_the_vendors_own_tools_need_a_provider_of_this_dialect(block: Any) -> None:
    assert needs_vendor(USER, assistant(block), USER)


def test_a_tool_call_keeps_its_numbers_digits_and_its_result_follows_it() -> None:
    amount = exact_json.loads('{"amount": 1.10, "order": 123456789012345678901}')
    call = {"type": "tool_use", "id": "t1", "name": "pay", "input": amount}
    call |= {"caller": {"type": "direct"}, "cache_control": None}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [text("paid")]}
    turns = document(USER, assistant(text("I pay."), call), user(text("Thanks"), result))
    assert turns["messages"][1]["tool_calls"][0]["function"] == {
        "name": "pay", "arguments": '{"amount":1.10,"order":123456789012345678901}',
    }  # fmt: skip
    assert [turn["role"] for turn in turns["messages"]] == ["user", "assistant", "tool", "user"]
    assert turns["messages"][2] == {"role": "tool", "tool_call_id": "t1", "content": "paid"}


@pytest.mark.parametrize(
    ("result", "content"),
    [
        ({}, ""),
        ({"content": ""}, ""),
        ({"content": []}, ""),
        ({"content": "fine"}, "fine"),
        ({"content": "no file", "is_error": True}, "Error: no file"),
        ({"content": "Error 5", "is_error": True}, "Error 5"),
        ({"is_error": True}, "Error"),
        ({"content": [{"type": "image", "source": PNG}]}, [image("data:image/png;base64,aGk=")]),
        ({"content": [{"type": "image", "source": PNG}], "is_error": True},
         [text("Error"), image("data:image/png;base64,aGk=")]),
    ],
)  # fmt: skip
def test_a_tools_result_says_whether_it_failed(result: Any, content: Any) -> None:
    call = {"type": "tool_use", "id": "t", "name": "n", "input": {}}
    block = {"type": "tool_result", "tool_use_id": "t", **result}
    assert document(USER, assistant(call), user(block))["messages"][2]["content"] == content


def test_thinking_is_kept_with_its_signature_and_as_reasoning_of_other_vendors() -> None:
    signed = {"type": "thinking", "thinking": "so", "signature": "s"}
    redacted = {"type": "redacted_thinking", "data": "d"}
    message = document(USER, assistant(signed, redacted, text("a")), USER)["messages"][1]
    assert message["thinking_blocks"] == [signed, redacted]
    assert message["reasoning_content"] == "so"


def test_thinking_of_another_vendor_is_not_sent_to_anthropic() -> None:
    unsigned = {"type": "thinking", "thinking": "so", "signature": ""}
    found = parsed(USER, assistant(unsigned, text("a")), USER, assistant(unsigned), USER)
    assert found.native is not None
    assert found.native.body["messages"] == [USER, assistant(text("a")), USER, USER]
    assert found.document["messages"][1]["reasoning_content"] == "so"
    assert "thinking_blocks" not in found.document["messages"][1]


def test_redacted_thinking_at_the_end_of_a_streamed_turn_goes_to_its_front() -> None:
    redacted = {"type": "redacted_thinking", "data": "d"}
    found = parsed(USER, assistant(text("a"), redacted), USER)
    assert found.native is not None
    assert found.native.body["messages"][1] == assistant(redacted, text("a"))


@pytest.mark.parametrize("system", ["Be brief.", [text("Be brief.", cache_control=None)]])
def test_the_system_text_comes_first(system: Any) -> None:
    later = {"role": "system", "content": "Now in French."}
    messages = document(USER, later, system=system)["messages"]
    assert messages[0] == {"role": "system", "content": "Be brief."}
    assert messages[2] == later


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "look"},
         {"tool_choice": {"type": "function", "function": {"name": "look"}}}),
        ({"type": "any", "disable_parallel_tool_use": True},
         {"tool_choice": "required", "parallel_tool_calls": False}),
    ],
)  # fmt: skip
def test_tools_are_functions(choice: Any, expected: dict[str, Any]) -> None:
    found = document(tools=[TOOL, {**TOOL, "type": "custom", "strict": True}], tool_choice=choice)
    function = {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}
    assert found["tools"] == [{"type": "function", "function": function}] * 2
    chosen = {name: found[name] for name in ("tool_choice", "parallel_tool_calls") if name in found}
    assert chosen == expected
    assert not needs_vendor(tools=[TOOL], tool_choice=choice)


@pytest.mark.parametrize(
    "tools",
    [
        [{"type": "web_search_20250305", "name": "web_search"}],
        [TOOL, {"type": "code_execution_20250825", "name": "code_execution"}],
        [{"type": "mcp_toolset", "mcp_server_name": "s"}],
        [{"type": "a_tool_of_tomorrow"}],
        [{**TOOL, "name": "n" * 128}],
        [{**TOOL, "name": f"n{number}"} for number in range(129)],
    ],
)
def test_tools_of_the_vendor_need_a_provider_of_this_dialect(tools: list[Any]) -> None:
    assert needs_vendor(tools=tools, tool_choice={"type": "auto"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cache_control", {"type": "ephemeral"}),
        ("top_k", 5),
        ("service_tier", "standard_only"),
        ("speed", "fast"),
        ("thinking", {"type": "enabled", "budget_tokens": 1024}),
        ("metadata", {"user_id": "u1"}),
        ("stop_sequences", ["a"]),
    ],
)
def test_a_hint_travels_along_and_needs_no_vendor(field: str, value: Any) -> None:
    found = parsed(**{field: value})
    assert found.native is not None
    assert not found.native.required
    assert found.native.body == body_of(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("container", "c1"),
        ("mcp_servers", [{"type": "url", "url": "https://a.b", "name": "s"}]),
        ("inference_geo", "us"),
        ("stop_sequences", ["a", "b", "c", "d", "e"]),
    ],
)
def test_a_field_without_another_form_needs_a_provider_of_this_dialect(
    field: str, value: Any
) -> None:
    assert needs_vendor(**{field: value})


def test_limits_sampling_and_the_form_of_the_answer_are_the_contracts() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = {"type": "json_schema", "schema": schema}
    more = {"temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"], "seed": None}
    found = document(
        **more, output_config={"format": wanted, "effort": "max"}, metadata={"user_id": "u"}
    )
    assert found["max_tokens"] == 9
    assert (found["temperature"], found["top_p"], found["stop"]) == (0.5, 0.9, ["END"])
    assert found["response_format"]["json_schema"] == {"name": "answer", "schema": schema}
    assert found["reasoning_effort"] == "xhigh"
    assert found["user"] == "u"
    assert document(output_format=wanted)["response_format"] == found["response_format"]


def test_own_fields_and_parameters_of_other_vendors_do_not_travel_along() -> None:
    found = parsed(deadline_ms=5000, cache=True, feature="qa", min_p=0.1)
    assert found.own == {"deadline_ms", "cache", "feature"}
    assert found.native is not None
    assert found.native.body == body_of()
    assert found.document["extra_body"] == {"min_p": 0.1}
    assert (found.document["deadline_ms"], found.document["feature"]) == (5000, "qa")
    assert "cache" not in found.document


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"foo": 1}, "foo: Extra inputs are not permitted"),
        ({"extra_body": {"foo": 1}}, "extra_body: Extra inputs are not permitted"),
        ({"tenant": "other"}, "tenant: Extra inputs are not permitted"),
        ({"native": {}}, "native: Extra inputs are not permitted"),
        ({"prompt": "x"}, "prompt: Extra inputs are not permitted"),
        ({"request_id": "x"}, "request_id: Extra inputs are not permitted"),
        ({"fallbacks": []}, "fallbacks: Extra inputs are not permitted"),
        ({"model": None}, "model: Field required"),
        ({"model": 5}, "model: Input should be a valid string"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 0}, "max_tokens: must be greater than or equal to 1"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": {}}, "messages: Input should be a valid list"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": ["x"]}, "messages.0: Input should be a valid dictionary"),
        ({"messages": [{"role": "tool", "content": "x"}]},
         "messages.0.role: Input should be 'user', 'assistant' or 'system'"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [{"role": "user", "content": 5}]},
         "messages.0.content: Input should be a valid string or list"),
        ({"messages": [user()]}, "messages.0.content: user messages must have non-empty content"),
        ({"messages": [user({"text": "x"})]}, "messages.0.content.0.type: Field required"),
        ({"messages": [user({"type": "text"})]}, "messages.0.content.0.text: Field required"),
        ({"messages": [user({"type": "image"})]}, "messages.0.content.0.source: Field required"),
        ({"messages": [user({"type": "image", "source": {"type": "url", "url": "http://a"}})]},
         "messages.0.content.0.source.url: Only HTTPS URLs are supported."),
        ({"messages": [user({"type": "image", "source": {**PNG, "media_type": "text/html"}})]},
         "messages.0.content.0.source.media_type: Input should be 'image/jpeg', 'image/png', "
         "'image/gif' or 'image/webp'"),
        ({"messages": [user({"type": "tool_use", "id": "t", "name": "n", "input": {}})]},
         "messages.0.content.0: `tool_use` blocks can only be in `assistant` messages"),
        ({"messages": [USER, assistant({"type": "tool_use", "id": "t", "name": "n", "input": 5})]},
         "messages.1.content.0.input: Input should be a valid dictionary"),
        ({"messages": [USER, assistant({"type": "tool_result", "tool_use_id": "t"})]},
         "messages.1.content.0: `tool_result` blocks can only be in `user` messages"),
        ({"messages": [user({"type": "tool_result", "tool_use_id": "t", "is_error": "yes"})]},
         "messages.0.content.0.is_error: Input should be a valid boolean"),
        ({"system": [{"type": "image", "source": PNG}]}, "system.0.type: Input should be 'text'"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"top_p": "x"}, "top_p: Input should be a valid number"),
        ({"stop_sequences": [5]}, "stop_sequences.0: Input should be a valid string"),
        ({"stop_sequences": ["a"] * 1_001}, "stop_sequences: List should have at most 1000 items"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"tools": [{"name": "n"}]}, "tools.0.input_schema: Field required"),
        ({"tools": [5]}, "tools.0: Input should be a valid dictionary"),
        ({"tools": [{**TOOL, "type": []}]}, "tools.0.type: Input should be a valid string"),
        ({"tools": [TOOL], "tool_choice": {"type": "some"}},
         "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'"),
        ({"tool_choice": {"type": "any"}}, "tool_choice: 'any' is only allowed with tools"),
        ({"metadata": {"name": "x"}}, "metadata.name: Extra inputs are not permitted"),
        ({"output_format": {"type": "text"}}, "output_format.type: Input should be 'json_schema'"),
        ({"output_config": {"effort": "huge"}},
         "output_config.effort: Input should be one of low, medium, high, xhigh, max"),
    ],
)  # fmt: skip
def test_a_request_is_refused_by_field_in_the_vendors_words(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(HttpError) as caught:
        parse_messages({**body_of(), **change}, frozenset())
    assert caught.value.message == message
    assert caught.value.status == 400


def test_a_thread_is_refused_with_the_code_after_which_sdks_send_the_whole_conversation() -> None:
    with pytest.raises(HttpError) as caught:
        parse_messages(body_of(thread={"type": "create"}), frozenset())
    assert error_body(caught.value, "")["error"]["details"] == {
        "error_code": "thread_unsupported_request"
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(
        ["user", "assistant", "text", "tool_use", "image", "base64", "thinking", "auto", ""]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["role", "content", "type", "text", "source", "input", "id", "name",
                         "thinking", "citations", "caller", "data", "signature"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted({
    "messages", "system", "tools", "tool_choice", "metadata", "output_config", "output_format",
    "stop_sequences", "temperature", "stream", "thinking",
})), JSON))  # fmt: skip
def test_any_json_is_read_or_refused(fields: dict[str, Any]) -> None:
    with suppress(HttpError):
        parse_messages({**body_of(), **fields}, frozenset())


WORDS = st.text("abc é\n", min_size=1, max_size=9).filter(str.strip)
USERS = st.lists(
    WORDS.map(text) | st.just({"type": "image", "source": PNG}), min_size=1, max_size=3
)
SIGNED = st.builds(
    lambda thought, signature: {"type": "thinking", "thinking": thought, "signature": signature},
    WORDS,
    WORDS,
) | st.builds(lambda data: {"type": "redacted_thinking", "data": data}, WORDS)
CALL_INPUTS = st.dictionaries(WORDS, st.integers() | WORDS, max_size=2)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Turns that alternate, with tool results after tool calls, from the user to the user."""
    found = [user(*draw(USERS))]
    for number in range(draw(st.integers(0, 3))):
        said = draw(st.lists(WORDS.map(text), max_size=2))
        calls = [
            {"type": "tool_use", "id": f"t{number}_{at}", "name": "look", "input": given}
            for at, given in enumerate(draw(st.lists(CALL_INPUTS, max_size=2)))
        ]
        thinking = draw(st.lists(SIGNED, max_size=2, unique_by=str))
        found.append(assistant(*thinking, *(said or [text("ok")]), *calls))
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": draw(WORDS)}
            for call in calls
        ]
        found.append(user(*results, *draw(USERS)))
    return found


@given(messages=conversations(), system=st.none() | WORDS)
def test_a_conversation_keeps_its_meaning_through_the_contract(
    messages: list[dict[str, Any]], system: str | None
) -> None:
    found = parsed(*messages, **({} if system is None else {"system": system}), tools=[TOOL])
    sent = passed_on(found)
    assert sent["messages"] == messages
    assert sent.get("system") == system
    assert sent["tools"] == [{**TOOL, "input_schema": sent["tools"][0]["input_schema"]}]
    assert sent["max_tokens"] == 9
