"""OpenAI's SDK for Python."""

from __future__ import annotations

import openai

from tests.compat.clients.cells import (
    HELLO,
    KEY,
    MODEL,
    OPENAI_BASE,
    PARAMETERS,
    PATIENCE_S,
    PIXEL_URL,
    is_city,
    report,
    slow_once,
)
from tests.compat.scripted_answers import WEATHER, WEATHER_OF_TWO

client = openai.OpenAI(base_url=OPENAI_BASE, api_key=KEY, max_retries=0)
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]


def ask(prompt: object = HELLO, **options: object) -> openai.types.chat.ChatCompletion:
    messages = [{"role": "user", "content": prompt}]
    return client.chat.completions.create(model=MODEL, messages=messages, **options)


def plain() -> None:
    assert ask().choices[0].message.content


def stream() -> None:
    options = {"include_usage": True}
    chunks = list(ask(stream=True, stream_options=options))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert chunks[-1].usage.total_tokens > 0


def tools() -> None:
    first = ask(WEATHER, tools=TOOLS).choices[0].message
    (call,) = first.tool_calls
    assert is_city(call.function.arguments)
    history = [
        {"role": "user", "content": WEATHER},
        first.to_dict(),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    last = client.chat.completions.create(model=MODEL, messages=history, tools=TOOLS)
    assert last.choices[0].message.content


def parallel_tools() -> None:
    calls = ask(WEATHER_OF_TWO, tools=TOOLS).choices[0].message.tool_calls
    assert len({call.id for call in calls}) == 2
    with client.chat.completions.stream(
        model=MODEL, messages=[{"role": "user", "content": WEATHER_OF_TWO}], tools=TOOLS
    ) as events:
        streamed = events.get_final_completion().choices[0].message.tool_calls
    assert [call.function.arguments for call in streamed] == [
        call.function.arguments for call in calls
    ]


def json_schema() -> None:
    wanted = {"name": "city", "schema": PARAMETERS, "strict": True}
    answer = ask(response_format={"type": "json_schema", "json_schema": wanted})
    assert is_city(answer.choices[0].message.content)


def image() -> None:
    picture = {"type": "image_url", "image_url": {"url": PIXEL_URL}}
    assert ask([{"type": "text", "text": HELLO}, picture]).choices[0].message.content


def error() -> None:
    field = None
    try:
        ask(temperature=9)
    except openai.BadRequestError as refused:
        field = refused.param
    assert field == "temperature"


def usage() -> None:
    used = ask().usage
    assert used.prompt_tokens > 0
    assert used.total_tokens == used.prompt_tokens + used.completion_tokens


def cancel() -> None:
    chunks = ask(stream=True)
    next(iter(chunks))
    chunks.close()
    plain()


def retry() -> None:
    slow_once()
    patient = client.with_options(max_retries=2, timeout=PATIENCE_S)
    answer = patient.chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": HELLO}]
    )
    assert answer.retries_taken > 0
    assert answer.parse().choices[0].message.content


report(
    "OpenAI SDK, Python",
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
