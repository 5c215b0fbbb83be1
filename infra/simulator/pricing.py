"""The simulator's own prices, independent of Sluice's.

Nano-USD a token, from the providers' public price pages as of the sample models' dates. Nothing of
`streams` is used here: two accounts that share code share its errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tariff:
    """Nano-USD a token; USD per million times a thousand."""

    fresh: int
    output: int
    cache_read: int
    cache_write: int


def _openai(fresh: int, output: int, cache_read: int) -> Tariff:
    return Tariff(fresh, output, cache_read, fresh)


def _anthropic(fresh: int, output: int) -> Tariff:
    return Tariff(fresh, output, fresh // 10, fresh * 5 // 4)


TARIFFS: Mapping[str, Tariff] = {
    "gpt-4o-mini": _openai(150, 600, 75),
    "gpt-4o": _openai(2_500, 10_000, 1_250),
    "o1": _openai(15_000, 60_000, 7_500),
    "o1-mini": _openai(1_100, 4_400, 550),
    "claude-3-haiku": Tariff(250, 1_250, 30, 300),
    "claude-3-5-haiku": _anthropic(800, 4_000),
    "claude-3-5-sonnet": _anthropic(3_000, 15_000),
    "claude-3-opus": _anthropic(15_000, 75_000),
    "claude-sonnet-4": _anthropic(3_000, 15_000),
    "claude-opus-4": _anthropic(15_000, 75_000),
}

_DATED = re.compile(r"-(20\d{6}|20\d\d-\d\d-\d\d)$")


def tariff_of(model: str) -> Tariff | None:
    """Return the price of a model, with or without its date; `None` if it is not in the list."""
    return TARIFFS.get(model) or TARIFFS.get(_DATED.sub("", model))


def cost_nano(
    model: str, *, fresh: int, output: int, cache_read: int = 0, cache_write: int = 0
) -> int | None:
    """Return the cost of a call in nano-USD; `fresh` excludes both kinds of cached tokens."""
    tariff = tariff_of(model)
    if tariff is None:
        return None
    return (
        fresh * tariff.fresh
        + output * tariff.output
        + cache_read * tariff.cache_read
        + cache_write * tariff.cache_write
    )
