"""LiteLLM as a client, over both dialects."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it downloads prices when imported

import litellm

from tests.compat.clients.cells import (
    GATEWAY,
    HELLO,
    KEY,
    OPENAI_BASE,
    PARAMETERS,
    PATIENCE_S,
    PIXEL_URL,
    is_city,
    report,
    slow_once,
)
from tests.compat.scripted_answers import WEATHER, WEATHER_OF_TWO

litellm.suppress_debug_info = True
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]


def cells(model: str, base: str) -> dict[str, Callable[[], None] | str]:
    def ask(prompt: object = HELLO, **options: object) -> litellm.ModelResponse:
        given = {"max_retries": 0, "max_tokens": 1024, **options}
        messages = [{"role": "user", "content": prompt}]
        return litellm.completion(
            model=model, api_base=base, api_key=KEY, messages=messages, **given
        )

    def plain() -> None:
        assert ask().choices[0].message.content

    def stream() -> None:
        chunks = list(ask(stream=True))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    def tools() -> None:
        first = ask(WEATHER, tools=TOOLS).choices[0].message
        (call,) = first.tool_calls
        assert is_city(call.function.arguments)
        history = [
            {"role": "user", "content": WEATHER},
            first.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ]
        last = litellm.completion(
            model=model,
            api_base=base,
            api_key=KEY,
            messages=history,
            tools=TOOLS,
            max_tokens=1024,
        )
        assert last.choices[0].message.content

    def parallel_tools() -> None:
        assert len(ask(WEATHER_OF_TWO, tools=TOOLS).choices[0].message.tool_calls) == 2
        chunks = list(ask(WEATHER_OF_TWO, tools=TOOLS, stream=True))
        whole = litellm.stream_chunk_builder(chunks)
        assert len(whole.choices[0].message.tool_calls) == 2

    def json_schema() -> None:
        wanted = {"name": "city", "schema": PARAMETERS, "strict": True}
        answer = ask(response_format={"type": "json_schema", "json_schema": wanted})
        assert is_city(answer.choices[0].message.content)

    def image() -> None:
        picture = {"type": "image_url", "image_url": {"url": PIXEL_URL}}
        assert ask([{"type": "text", "text": HELLO}, picture]).choices[0].message.content

    def error() -> None:
        try:
            ask(temperature=9)
        except litellm.BadRequestError:
            return
        raise AssertionError("a temperature of 9 was accepted")

    def usage() -> None:
        assert ask().usage.total_tokens > 0
        chunks = list(ask(stream=True, stream_options={"include_usage": True}))
        assert chunks[-1].usage.total_tokens > 0

    def cancel() -> None:
        chunks = ask(stream=True)
        next(iter(chunks))
        chunks.completion_stream.close()
        plain()

    def retry() -> None:
        slow_once()
        assert ask(num_retries=2, timeout=PATIENCE_S).choices[0].message.content

    return {
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
    }


report("LiteLLM (OpenAI)", cells("openai/auto", OPENAI_BASE))
report("LiteLLM (Anthropic)", cells("anthropic/auto", GATEWAY))
