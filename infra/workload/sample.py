"""Reads the sample workload that ships with Sluice.

Each line of `sample.jsonl` has an id, a category, a request as callers publish it, the tier that
suffices, and one answer for each strength of model with its score 0..1. Scores were given by
hand, by what the answer says: a weak answer is wrong, hedged, cut, refused or malformed where its
score says so. All texts are our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

BAR = 0.7
"""Score from which an answer counts as good enough."""

STRENGTHS = ("simple", "moderate", "complex")
"""Strengths of models, weakest first; also the tiers that `suffices` names."""

MODELS: Mapping[str, str] = {
    "gpt-4o-mini": "simple",
    "claude-3-5-haiku-20241022": "simple",
    "gpt-4o": "moderate",
    "claude-opus-4-20250514": "complex",
    "o1": "complex",
}
"""The models of the sample registry and their strength."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """One request of the workload.

    `scores` are 0..1 by strength; `answers` hold by strength `text`, `score` and, where it is
    so, `tool_calls` (name and arguments) and `finish` (`length`: the answer was cut).
    """

    id: str
    category: str
    request: Mapping[str, Any]
    suffices: str
    scores: Mapping[str, float]
    answers: Mapping[str, Mapping[str, Any]]

    @property
    def prompt(self) -> str:
        """The text of the last user turn, by which answers are found."""
        if "prompt" in self.request:
            return str(self.request["prompt"])
        user_turns = [turn for turn in self.request["messages"] if turn["role"] == "user"]
        content = user_turns[-1]["content"]
        if isinstance(content, str):
            return content
        return "\n".join(part["text"] for part in content if part["type"] == "text")


def load_workload() -> tuple[SampleRequest, ...]:
    """The whole workload, in file order."""
    text = sample_file().read_bytes()
    rows = (orjson.loads(line) for line in text.splitlines() if line.strip())
    return tuple(
        SampleRequest(
            id=row["id"],
            category=row["category"],
            request=row["request"],
            suffices=row["suffices"],
            scores={strength: answer["score"] for strength, answer in row["answers"].items()},
            answers=row["answers"],
        )
        for row in rows
    )


def sample_file() -> Path:
    """Where the workload lies."""
    return Path(str(resources.files("infra.workload").joinpath("sample.jsonl")))


def answers_by_prompt(
    items: Iterable[SampleRequest],
) -> Iterator[tuple[str, Mapping[str, Mapping[str, Any]]]]:
    """Prompts and their answers by strength."""
    for item in items:
        yield item.prompt, item.answers


class WorkloadJudge:
    """Scores replies to requests of the sample by the strength of the model that answered."""

    def __init__(
        self, items: Iterable[SampleRequest], strengths: Mapping[str, str] = MODELS
    ) -> None:
        self._items = {item.id: item for item in items}
        self._strengths = strengths

    def score(self, item_id: str, reply: Mapping[str, Any]) -> float | None:
        """Return 0..1; `None` if no model of the sample answered."""
        strength = self._strengths.get(reply.get("model") or "")
        if strength is None:
            return None
        return self._items[item_id].scores[strength]
