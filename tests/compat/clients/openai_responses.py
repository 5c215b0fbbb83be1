"""OpenAI's SDK for Python, with the Responses API."""

from __future__ import annotations

import openai
from openai.types.responses import Response

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
TOOLS = [{"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True}]


def ask(prompt: object = HELLO, **options: object) -> Response:
    return client.responses.create(model=MODEL, input=prompt, **options)


def calls_of(response: Response) -> list[object]:
    return [item for item in response.output if item.type == "function_call"]


def plain() -> None:
    found = ask()
    assert found.output_text
    assert client.responses.retrieve(found.id).output_text == found.output_text
    waits = ask(background=True)
    while waits.status in {"queued", "in_progress"}:
        waits = client.responses.retrieve(waits.id)
    assert waits.output_text


def stream() -> None:
    with client.responses.stream(model=MODEL, input=HELLO) as events:
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert events.get_final_response().output_text == text != ""


def tools() -> None:
    first = ask(WEATHER, tools=TOOLS)
    (call,) = calls_of(first)
    assert is_city(call.arguments)
    history = [
        {"role": "user", "content": WEATHER},
        *(item.to_dict() for item in first.output),
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]
    assert ask(history, tools=TOOLS).output_text


def parallel_tools() -> None:
    calls = calls_of(ask(WEATHER_OF_TWO, tools=TOOLS))
    assert len({call.call_id for call in calls}) == 2
    with client.responses.stream(model=MODEL, input=WEATHER_OF_TWO, tools=TOOLS) as events:
        streamed = calls_of(events.get_final_response())
    assert [call.arguments for call in streamed] == [call.arguments for call in calls]


def json_schema() -> None:
    wanted = {"type": "json_schema", "name": "city", "schema": PARAMETERS, "strict": True}
    assert is_city(ask(text={"format": wanted}).output_text)


def image() -> None:
    parts = [
        {"type": "input_text", "text": HELLO},
        {"type": "input_image", "image_url": PIXEL_URL, "detail": "auto"},
    ]
    assert ask([{"role": "user", "content": parts}]).output_text


def error() -> None:
    field = None
    try:
        ask(temperature=9)
    except openai.BadRequestError as refused:
        field = refused.param
    assert field == "temperature"


def usage() -> None:
    used = ask().usage
    assert used.input_tokens > 0
    assert used.total_tokens == used.input_tokens + used.output_tokens


def cancel() -> None:
    events = ask(stream=True)
    next(iter(events))
    events.close()
    plain()
    ended = client.responses.cancel(ask(background=True).id)
    assert ended.status in {"cancelled", "completed"}


def retry() -> None:
    slow_once()
    patient = client.with_options(max_retries=2, timeout=PATIENCE_S)
    answer = patient.responses.with_raw_response.create(model=MODEL, input=HELLO)
    assert answer.retries_taken > 0
    assert answer.parse().output_text


report(
    "OpenAI SDK, Python (Responses)",
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
