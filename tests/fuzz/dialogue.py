"""Accepted requests in both wire formats, answers of every kind, and the invariants of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any
from urllib.parse import urlsplit

import orjson

from schemas.chat import RequestDocument
from schemas.encoding import exact_json
from schemas.encoding.nesting import overgrown
from streams.providers.answer_fields import decode, encode
from streams.providers.anthropic import answer as anthropic_answer
from streams.providers.anthropic import request as anthropic_format
from streams.providers.http.exchange import ChunkSink, Exchange
from streams.providers.openai import answer as openai_answer
from streams.providers.openai import request as openai_format
from streams.providers.openai.request import Dialect
from streams.providers.port import ChatCall, ErrorClass, ProviderError, Timeouts, Usage
from streams.providers.pricing.price_list import PriceBook
from streams.providers.refusals.classification import refusal
from streams.registry.version import parse_registry
from streams.routing.parameters.optional_parameters import PARAMETERS
from tests.fuzz.answers import make_answer

REGISTRY = """
tiers: [simple, moderate, complex]
models:
  gpt-4o-mini: {provider: openai, tier: simple, price: {input: 1, output: 2},
    instances: [{name: one, base_url: "http://localhost/openai"}]}
  claude-opus-4-8: {provider: anthropic, tier: moderate,
    instances: [{name: one, base_url: "http://localhost/anthropic"}]}
  gpt-4o: {provider: openai, tier: complex,
    instances: [{name: one, base_url: "http://localhost/openai"}]}
"""
_MODELS = parse_registry(REGISTRY).snapshot.models
_PRICES = PriceBook()
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "max_tokens": int,
    "max_completion_tokens": int,
    "seed": int,
    "top_logprobs": int,
    "temperature": float,
    "top_p": float,
    "frequency_penalty": float,
    "presence_penalty": float,
    "logprobs": bool,
    "parallel_tool_calls": bool,
    "store": bool,
    "stop": (str, list),
    "tools": list,
    "extra_body": dict,
    "messages": list,
    "logit_bias": dict,
    "response_format": dict,
}
_HI = {"role": "user", "content": "Hi"}


class BrokenPromiseError(Exception):
    """The result of an input violates an invariant."""


class Vendors:
    """All vendors, with a newly drawn answer of each."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Exchange:
        orjson.loads(body)
        name = "anthropic" if "anthropic" in urlsplit(url).path else "openai"
        status, answer = make_answer(self._draw, name)
        return Exchange(status, {}, answer)

    async def stream(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeouts: Timeouts,
        take: ChunkSink,
    ) -> Exchange:
        answer = await self.post(url, headers, body, timeouts)
        if answer.status != 200:
            return answer
        take(answer.body)
        return Exchange(200, {}, b"")

    async def close(self) -> None:
        pass


def hold_dialogue(body: Mapping[str, Any], draw: Random) -> None:
    """Send a request in every format and read an answer of each.

    Raises:
        BrokenPromiseError: a value has a type that was not let in, or an answer can't go back in.
        Exception: whatever an adapter let through.
    """
    _has_its_types(body)
    call = ChatCall(
        call_id="c",
        model=draw.choice(("gpt-4o", "o3-mini", "claude-opus-4-7", "m")),
        body=body,
        timeouts=Timeouts(),
        max_output_tokens=draw.choice((None, 1, 100, 8_000)),
        unsupported=frozenset(draw.sample(sorted(PARAMETERS), draw.choice((0, 0, 2, 20)))),
    )
    bodies: list[Callable[[], Any]] = [
        *(partial(openai_format.request_body, call, dialect) for dialect in Dialect),
        lambda: anthropic_format.request_body(call),
    ]
    for words in bodies:
        try:
            orjson.loads(encode(words()))
        except ProviderError:
            continue
    for name, read in (
        ("openai", openai_answer.completion),
        ("anthropic", anthropic_answer.completion),
    ):
        status, answer = make_answer(draw, name)
        if status != 200:
            _is_classed(status, answer)
            continue
        try:
            found = read(decode(answer, status), call)
        except ProviderError as error:
            _is_priced(error.usage)
            continue
        _is_priced(found.usage)
        _check_accepted_as_turn(found.message)


def _has_its_types(body: Mapping[str, Any]) -> None:
    for name, value in body.items():
        wanted = _TYPES.get(name)
        is_flag = isinstance(value, bool) and wanted is not bool
        if wanted is not None and (is_flag or not isinstance(value, wanted)):
            raise BrokenPromiseError(f"{name} is let in as {type(value).__name__}")


def _is_classed(status: int, answer: bytes) -> None:
    error = refusal(Exchange(status, {}, answer), lambda: 0.0)
    if error.error_class is ErrorClass.ADAPTER_FAULT:
        raise BrokenPromiseError("a refusal is the adapter's fault")


def _is_priced(usage: Usage | None) -> None:
    for model in _MODELS.values() if usage is not None else ():
        cost, _ = _PRICES.cost_of(model, usage or Usage())
        names = _PRICES.unpriced(model, usage or Usage())
        if cost is not None and (cost < 0 or names):
            raise BrokenPromiseError(f"a cost of {cost} with {names}")


def _check_accepted_as_turn(message: dict[str, Any]) -> None:
    """An answer is a turn that the classify agent accepts, unless it is empty or nested too
    deeply.
    """
    exact_json.dumps(message)
    says = message.keys() - {"role", "content", "reasoning", "reasoning_details", "extra_content"}
    document = {"messages": [_HI, message]}
    if (says or message["content"] is not None) and overgrown(document) is None:
        RequestDocument.model_validate(document)
