"""Anthropic's SDK for Python."""

from __future__ import annotations

import anthropic

from tests.compat.clients.cells import (
    GATEWAY,
    HELLO,
    KEY,
    MODEL,
    PARAMETERS,
    PATIENCE_S,
    PIXEL,
    is_city,
    report,
    slow_once,
)
from tests.compat.scripted_answers import WEATHER, WEATHER_OF_TWO

client = anthropic.Anthropic(base_url=GATEWAY, api_key=KEY, max_retries=0)
TOOLS = [{"name": "get_weather", "input_schema": PARAMETERS}]


def body(prompt: object = HELLO, **options: object) -> dict[str, object]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": MODEL, "max_tokens": 1024, "messages": messages, **options}


def ask(prompt: object = HELLO, **options: object) -> anthropic.types.Message:
    return client.messages.create(**body(prompt, **options))


def plain() -> None:
    assert ask().content[0].text


def stream() -> None:
    with client.messages.stream(**body()) as events:
        text = "".join(events.text_stream)
        last = events.get_final_message()
    assert text == last.content[0].text
    assert last.usage.output_tokens > 0


def tools() -> None:
    first = ask(WEATHER, tools=TOOLS)
    assert first.stop_reason == "tool_use"
    call = first.content[-1]
    assert call.input == {"city": "Paris"}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    last = client.messages.create(
        model=MODEL,
        max_tokens=1024,
        tools=TOOLS,
        messages=[
            {"role": "user", "content": WEATHER},
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ],
    )
    assert last.content[0].text


def parallel_tools() -> None:
    calls = [block for block in ask(WEATHER_OF_TWO, tools=TOOLS).content if block.type != "text"]
    assert len({call.id for call in calls}) == 2
    with client.messages.stream(**body(WEATHER_OF_TWO, tools=TOOLS)) as events:
        streamed = events.get_final_message().content
    assert [b.input for b in streamed if b.type != "text"] == [call.input for call in calls]


def json_schema() -> None:
    wanted = {"format": {"type": "json_schema", "schema": PARAMETERS}}
    assert is_city(ask(output_config=wanted).content[0].text)


def image() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    prompt = [{"type": "image", "source": source}, {"type": "text", "text": HELLO}]
    assert ask(prompt).content[0].text


def error() -> None:
    message = ""
    try:
        ask(tool_choice={"type": "any"})
    except anthropic.BadRequestError as refused:
        message = str(refused)
    assert "tool" in message


def usage() -> None:
    used = ask().usage
    assert used.input_tokens > 0
    assert used.output_tokens > 0


def cancel() -> None:
    with client.messages.stream(**body()) as events:
        next(iter(events))
    plain()


def retry() -> None:
    slow_once()
    patient = client.with_options(max_retries=2, timeout=PATIENCE_S)
    answer = patient.messages.with_raw_response.create(**body())
    assert answer.retries_taken > 0
    assert answer.parse().content[0].text


report(
    "Anthropic SDK, Python",
    {
        "plain": plain,
        "stream": stream,
        "tools": tools,
        "parallel tools": parallel_tools,
        "JSON schema": json_schema,
        "image": image,
        "error": error,
        "usage": usage,
        "cancel": cancel,
        "retry": retry,
    },
)
