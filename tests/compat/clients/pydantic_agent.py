"""pydantic-ai, over both dialects."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine
from typing import Any

import anthropic
import openai
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.anthropic import AnthropicModelProfile
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.compat.clients.cells import (
    GATEWAY,
    HELLO,
    KEY,
    MODEL,
    OPENAI_BASE,
    PATIENCE_S,
    PIXEL,
    report,
    slow_once,
)
from tests.compat.scripted_answers import WEATHER, WEATHER_OF_TWO

loop = asyncio.Runner()


class City(BaseModel):
    """The city of an answer."""

    city: str


def by_openai(**options: object) -> Model:
    client = openai.AsyncOpenAI(base_url=OPENAI_BASE, api_key=KEY, **options)
    profile = OpenAIModelProfile(supports_json_schema_output=True)
    return OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client), profile=profile)


def by_anthropic(**options: object) -> Model:
    client = anthropic.AsyncAnthropic(base_url=GATEWAY, api_key=KEY, **options)
    profile = AnthropicModelProfile(supports_json_schema_output=True)
    provider = AnthropicProvider(anthropic_client=client)
    return AnthropicModel(MODEL, provider=provider, profile=profile)


def cells(build: Callable[..., Model]) -> dict[str, Callable[[], None] | str]:
    def agent(**options: object) -> Agent:
        return Agent(build(max_retries=0), **options)

    async def plain() -> None:
        assert (await agent().run(HELLO)).output

    async def stream() -> None:
        async with agent().run_stream(HELLO) as result:
            parts = [part async for part in result.stream_text(delta=True)]
        assert "".join(parts)

    async def weather(prompt: str) -> list[str]:
        asker, asked = agent(), []

        @asker.tool_plain
        def get_weather(city: str) -> str:
            asked.append(city)
            return "sunny"

        assert (await asker.run(prompt)).output
        return asked

    async def tools() -> None:
        assert await weather(WEATHER) == ["Paris"]

    async def parallel_tools() -> None:
        assert sorted(await weather(WEATHER_OF_TWO)) == ["London", "Paris"]

    async def json_schema() -> None:
        for wanted in (City, NativeOutput(City)):
            assert (await agent(output_type=wanted).run(HELLO)).output.city

    async def image() -> None:
        picture = BinaryContent(base64.b64decode(PIXEL), media_type="image/png")
        assert (await agent().run([HELLO, picture])).output

    async def error() -> None:
        status = None
        try:
            await agent().run(HELLO, model_settings={"max_tokens": -1})
        except ModelHTTPError as refused:
            status = refused.status_code
        assert status == 400

    async def usage() -> None:
        assert (await agent().run(HELLO)).usage.output_tokens > 0

    async def cancel() -> None:
        async with agent().run_stream(HELLO) as result:
            async for _ in result.stream_text(delta=True):
                break
        await plain()

    async def retry() -> None:
        slow_once()
        assert (await Agent(build(max_retries=2, timeout=PATIENCE_S)).run(HELLO)).output

    def ran(attempt: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        return lambda: loop.run(attempt())

    return {
        "plain": ran(plain),
        "stream": ran(stream),
        "tools": ran(tools),
        "parallel tools": ran(parallel_tools),
        "JSON schema": ran(json_schema),
        "image": ran(image),
        "error": ran(error),
        "usage": ran(usage),
        "cancel": ran(cancel),
        "retry": ran(retry),
    }


report("pydantic-ai (OpenAI)", cells(by_openai))
report("pydantic-ai (Anthropic)", cells(by_anthropic))
loop.close()
