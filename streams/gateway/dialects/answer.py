"""An answer as the dialects show it: the reply of a worker with its request's facts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.records import NANO, Reply, ReplyUsage
from streams.gateway.dialects.parsed_request import ParsedRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunAnswer:
    """What is known of an answer before its first part; `created` is Unix time in seconds.
    `answer_id` is its id in dialects whose answers can be read later.
    """

    request_id: str
    created: int
    parsed: ParsedRequest
    answer_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRequest:
    """A reply with an answer."""

    reply: Reply
    begun: BegunAnswer

    @property
    def created(self) -> int:
        """Return when the request was accepted, Unix time in seconds."""
        return self.begun.created

    @property
    def ended(self) -> int:
        """Return when the answer was there, Unix time in seconds."""
        return self.begun.created + math.ceil(self.reply.latency_ms / 1000)

    @property
    def message(self) -> dict[str, Any]:
        """Return the assistant message in OpenAI's form, with its reasoning."""
        found: dict[str, Any] = orjson.loads(self.reply.message or "{}")
        return found


def logprobs_of(reply: Reply) -> Any:
    """Return the log probabilities of an answer in OpenAI's form; `None` without."""
    return None if reply.logprobs is None else orjson.loads(reply.logprobs)


def answer_headers(reply: Reply, waited_ms: float) -> dict[str, str]:
    """Return what a plain answer's headers say of its way: model, tiers, cost (USD), time (ms), and
    whether its usage is unknown.
    """
    found = {
        "x-sluice-request-id": reply.request_id,
        "x-sluice-model": reply.model or "",
        "x-sluice-provider": reply.provider or "",
        "x-sluice-tier": reply.tier or "",
        "x-sluice-tiers-tried": ",".join(reply.tiers_tried),
        "x-sluice-cost-usd": usd(reply.cost_nano),
        "x-sluice-baseline-cost-usd": usd(reply.baseline_cost_nano),
        "x-sluice-usage": "" if is_reported(reply.usage) else "unknown",
        "x-sluice-degraded": "true" if reply.degraded else "",
        "x-sluice-latency-ms": f"{waited_ms:.0f}",
    }
    return {name: _ascii(value) for name, value in found.items() if value}


def is_reported(counted: ReplyUsage | None) -> bool:
    """Return whether the provider reported the tokens of the answering call."""
    return (
        counted is not None
        and counted.input_tokens is not None
        and counted.output_tokens is not None
    )


def usd(nano: int | None) -> str:
    """Return nano-USD as USD with nine digits; `unknown` where the cost is not known."""
    return "unknown" if nano is None else f"{nano // NANO}.{nano % NANO:09d}"


def summary(reply: Reply) -> dict[str, Any]:
    """Return what the last chunk of a stream says of its way."""
    return {
        "request_id": reply.request_id,
        "model": reply.model,
        "provider": reply.provider,
        "tier": reply.tier,
        "tiers_tried": list(reply.tiers_tried),
        "cost_usd": None if reply.cost_nano is None else reply.cost_nano / NANO,
        "baseline_cost_usd": (
            None if reply.baseline_cost_nano is None else reply.baseline_cost_nano / NANO
        ),
        "degraded": reply.degraded,
    }


def _ascii(value: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in value)
