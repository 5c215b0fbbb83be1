"""LangChain's chat models, over both dialects."""

from __future__ import annotations

from collections.abc import Callable

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI

from tests.compat.clients.cells import (
    GATEWAY,
    HELLO,
    KEY,
    MODEL,
    OPENAI_BASE,
    PARAMETERS,
    PATIENCE_S,
    PIXEL,
    report,
    slow_once,
)
from tests.compat.scripted_answers import WEATHER, WEATHER_OF_TWO

TOOL = {"name": "get_weather", "description": "the weather", "parameters": PARAMETERS}


def by_openai(**options: object) -> BaseChatModel:
    given = {"max_retries": 0, "stream_usage": True, **options}
    return ChatOpenAI(model=MODEL, base_url=OPENAI_BASE, api_key=KEY, **given)


def by_anthropic(**options: object) -> BaseChatModel:
    given = {"max_retries": 0, "max_tokens": 1024, **options}
    return ChatAnthropic(model=MODEL, base_url=GATEWAY, api_key=KEY, **given)


def cells(
    build: Callable[..., BaseChatModel], bad: dict[str, object], refused: type[Exception]
) -> dict[str, Callable[[], None]]:
    chat = build()

    def plain() -> None:
        assert chat.invoke(HELLO).text

    def stream() -> None:
        chunks = list(chat.stream(HELLO))
        assert "".join(chunk.text for chunk in chunks)

    def tools() -> None:
        bound = chat.bind_tools([TOOL])
        first = bound.invoke(WEATHER)
        (call,) = first.tool_calls
        assert call["args"] == {"city": "Paris"}
        result = ToolMessage("sunny", tool_call_id=call["id"])
        assert bound.invoke([HumanMessage(WEATHER), first, result]).text

    def parallel_tools() -> None:
        bound = chat.bind_tools([TOOL])
        assert len(bound.invoke(WEATHER_OF_TWO).tool_calls) == 2
        whole = None
        for chunk in bound.stream(WEATHER_OF_TWO):
            whole = chunk if whole is None else whole + chunk
        assert [call["args"]["city"] for call in whole.tool_calls] == ["Paris", "London"]

    def json_schema() -> None:
        schema = {"title": "city_of", "description": "a city", **PARAMETERS}
        shaped = chat.with_structured_output(schema, method="json_schema")
        assert set(shaped.invoke(HELLO)) == {"city"}

    def image() -> None:
        picture = {"type": "image", "base64": PIXEL, "mime_type": "image/png"}
        assert chat.invoke([HumanMessage([{"type": "text", "text": HELLO}, picture])]).text

    def error() -> None:
        try:
            build(**bad).invoke(HELLO)
        except refused:
            return
        raise AssertionError("an invalid request was accepted")

    def usage() -> None:
        assert chat.invoke(HELLO).usage_metadata["total_tokens"] > 0
        whole = None
        for chunk in chat.stream(HELLO):
            whole = chunk if whole is None else whole + chunk
        assert whole.usage_metadata["output_tokens"] > 0

    def cancel() -> None:
        chunks = chat.stream(HELLO)
        next(chunks)
        chunks.close()
        plain()

    def retry() -> None:
        slow_once()
        assert build(max_retries=2, timeout=PATIENCE_S).invoke(HELLO).text

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


report("LangChain (OpenAI)", cells(by_openai, {"temperature": 9}, openai.BadRequestError))
report("LangChain (Anthropic)", cells(by_anthropic, {"max_tokens": -1}, anthropic.BadRequestError))
