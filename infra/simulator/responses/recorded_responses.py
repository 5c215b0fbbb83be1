"""Recorded answers of simulated models, then the sample workload, then a default answer.

Answers are found by model and prompt (the text of the last user turn) and are ready to send: text
encoded as JSON, tokens counted, because the simulator shares its cores with what it measures.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from infra.simulator.call_facts import count_tokens
from infra.simulator.responses.model_tiers import recorded_name, strength_of
from schemas.errors import LocalStackError


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """A tool call: its name, and its arguments as JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAnswer:
    """One answer. `encoded` is its text as a JSON string; `score` is its quality, 0..1."""

    encoded: bytes
    tokens: int
    source: str
    finish: str = "stop"
    score: float | None = None
    tools: tuple[ToolUse, ...] = ()

    @property
    def text(self) -> str:
        """Return the text."""
        text: str = orjson.loads(self.encoded)
        return text


def answer_of(document: Mapping[str, Any], source: str) -> SimulatedAnswer:
    """Return an answer from its form in a file: `text`, `score`, `finish`, `tool_calls`."""
    text = document.get("text") or ""
    tools = tuple(
        ToolUse(name=call["name"], arguments=orjson.dumps(call["arguments"]).decode())
        for call in document.get("tool_calls") or ()
    )
    return SimulatedAnswer(
        encoded=orjson.dumps(text),
        tokens=count_tokens(text) + sum(count_tokens(tool.arguments) + 8 for tool in tools),
        source=source,
        finish=document.get("finish") or ("tool_calls" if tools else "stop"),
        score=document.get("score"),
        tools=tools,
    )


class AnswerBook:
    """All known answers, by prompt and by model or strength."""

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        self._aliases = dict(aliases or {})
        self._recorded: dict[str, dict[str, SimulatedAnswer]] = {}
        self._by_strength: dict[str, dict[str, SimulatedAnswer]] = {}
        self._names: dict[str, str | None] = {}

    def add_recorded(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Add recorded answers: `prompt`, and `answers` by model."""
        for line in lines:
            for model, document in line["answers"].items():
                self._recorded.setdefault(model, {})[line["prompt"]] = answer_of(
                    document, "recorded"
                )
        self._names.clear()

    def add_workload(self, items: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Add pairs of a prompt and its answers by strength."""
        for prompt, answers in items:
            for strength, document in answers.items():
                self._by_strength.setdefault(strength, {})[prompt] = answer_of(document, "workload")

    def find(self, model: str, prompt: str) -> SimulatedAnswer | None:
        """Return a model's answer to a prompt, `None` if neither file has one."""
        name = self._names.get(model)
        if name is None and model not in self._names:
            name = self._names[model] = recorded_name(model, self._recorded, self._aliases)
        if name is not None:
            found = self._recorded[name].get(prompt)
            if found is not None:
                return found
        return self._by_strength.get(strength_of(model), {}).get(prompt)

    def score_of(self, prompt: str, text: str) -> float | None:
        """Return the score of an answer to a prompt, 0..1, by its text; `None` if it is unknown."""
        for shelf in (*self._recorded.values(), *self._by_strength.values()):
            known = shelf.get(prompt)
            if known is not None and known.text.strip() == text:
                return known.score
        return None

    def first_good(self, prompt: str, strengths: Sequence[str], least: float) -> int | None:
        """Return the index of the first strength whose answer scores `least`, the last if none
        does; `None` for an unknown prompt.
        """
        known = [self._by_strength.get(strength, {}).get(prompt) for strength in strengths]
        if None in known:
            return None
        good = (place for place, one in enumerate(known) if one and (one.score or 0) >= least)
        return next(good, len(strengths) - 1)

    @property
    def models(self) -> Sequence[str]:
        """Return the models with recorded answers."""
        return sorted(self._recorded)


def read_recorded(path: Path) -> Iterable[Mapping[str, Any]]:
    """Yield the lines of a file of recorded answers, gzip or plain.

    Raises:
        LocalStackError: the file is unreadable, or a line is no recorded answer.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            for number, raw in enumerate(file, 1):
                line = orjson.loads(raw)
                if not isinstance(line.get("prompt"), str) or "answers" not in line:
                    raise LocalStackError(f"{path}, line {number}: requires prompt and answers")
                yield line
    except (OSError, orjson.JSONDecodeError) as error:
        raise LocalStackError(f"cannot read recorded answers from {path}: {error}") from error
