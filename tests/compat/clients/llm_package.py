"""The `llm` package, by its Python API, with the gateway as an OpenAI-compatible model."""

from __future__ import annotations

import base64

import llm
import openai
from llm.default_plugins.openai_models import Chat

from tests.compat.clients.cells import (
    HELLO,
    KEY,
    MODEL,
    OPENAI_BASE,
    PARAMETERS,
    PIXEL,
    is_city,
    report,
)
from tests.compat.scripted_answers import WEATHER, WEATHER_OF_TWO

model = Chat(
    "sluice",
    model_name=MODEL,
    api_base=OPENAI_BASE,
    key=KEY,
    vision=True,
    supports_schema=True,
    supports_tools=True,
)


def weather(prompt: str) -> list[str]:
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return "sunny"

    assert model.chain(prompt, tools=[get_weather], key=KEY).text()
    return asked


def plain() -> None:
    assert model.prompt(HELLO, stream=False, key=KEY).text()


def stream() -> None:
    assert "".join(model.prompt(HELLO, stream=True, key=KEY))


def tools() -> None:
    assert weather(WEATHER) == ["Paris"]


def parallel_tools() -> None:
    assert weather(WEATHER_OF_TWO) == ["Paris", "London"]


def json_schema() -> None:
    assert is_city(model.prompt(HELLO, schema=PARAMETERS, key=KEY).text())


def image() -> None:
    picture = llm.Attachment(type="image/png", content=base64.b64decode(PIXEL))
    assert model.prompt(HELLO, attachments=[picture], key=KEY).text()


def error() -> None:
    message = ""
    try:
        model.prompt(HELLO, max_tokens=-1, key=KEY).text()
    except llm.ModelError as refused:
        message = str(refused)
    except openai.BadRequestError as refused:
        message = str(refused)
    assert "max_tokens" in message


def usage() -> None:
    for streamed in (False, True):
        answer = model.prompt(HELLO, stream=streamed, key=KEY)
        assert answer.usage().output > 0


def cancel() -> None:
    answer = iter(model.prompt(HELLO, key=KEY))
    next(answer)
    answer.close()
    plain()


report(
    "llm",
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
        "retry": "it has no time-out; retries are those of OpenAI's SDK, which it uses",
    },
)
