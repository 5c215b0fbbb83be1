"""What the simulated models know: recorded answers, our sample workload, else a plain phrase.

Recorded answers come one JSON object a line, `{prompt, answers: {model: {score, text}}}`; a model
is found by its exact name, then by a name that begins with the other (`gpt-4o-mini` and
`gpt-4o-mini-2024-07-18`). The sample workload has answers by strength, one for each tier.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from infra.workload.sample import sample_file
from schemas.errors import ConfigurationError

STRENGTHS = ("simple", "moderate", "complex")

_WEAK = re.compile(r"mini|haiku|nano|flash|small|8b|7b|lite", re.IGNORECASE)
_STRONG = re.compile(r"opus|\bo[13]\b|\bo1\b|405b|ultra|max\b|-pro", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """An answer to give: text, or calls of tools as (name, arguments as JSON)."""

    text: str | None
    tool_calls: tuple[tuple[str, str], ...] = ()
    finish_reason: str = "stop"


def strength_of(model: str) -> str:
    """Which of the three strengths a model's name stands for."""
    if _STRONG.search(model):
        return "complex"
    return "simple" if _WEAK.search(model) else "moderate"


class AnswerBook:
    """Answers by prompt and model; a prompt is the last user turn's text."""

    def __init__(self) -> None:
        self._by_prompt: dict[str, dict[str, KnownAnswer]] = {}

    def __len__(self) -> int:
        return len(self._by_prompt)

    def add(self, prompt: str, answers: Mapping[str, KnownAnswer]) -> None:
        """Learn the answers to a prompt, by model name or strength."""
        self._by_prompt[prompt] = dict(answers)

    def answer(self, prompt: str, model: str) -> KnownAnswer:
        """What this model answers; a plain phrase where nothing was recorded."""
        known = self._by_prompt.get(prompt)
        if known is None:
            return KnownAnswer(text=_plain(prompt))
        found = known.get(model) or known.get(strength_of(model))
        if found is not None:
            return found
        for name, answer in known.items():
            if name.startswith(model) or model.startswith(name):
                return answer
        return KnownAnswer(text=_plain(prompt))


def _plain(prompt: str) -> str:
    words = prompt.split()
    return f"Here is what can be said about {' '.join(words[:6])}: it depends on the details."


def load_answers(path: Path) -> AnswerBook:
    """Read recorded answers, or a workload, from a JSONL file, gzipped or not.

    Raises:
        ConfigurationError: the file is missing or a line has another shape.
    """
    book = AnswerBook()
    for number, row in enumerate(_rows(path), start=1):
        try:
            prompt = row["prompt"] if "prompt" in row else question(row["request"])
            book.add(prompt, {model: _known(answer) for model, answer in row["answers"].items()})
        except (KeyError, TypeError) as error:
            raise ConfigurationError(
                f"{path.name}, line {number}: not a recorded answer ({error})"
            ) from None
    return book


def question(request: Mapping[str, Any]) -> str:
    """The last user text of a request."""
    if "prompt" in request:
        return str(request["prompt"])
    for message in reversed(request["messages"]):
        if message["role"] == "user":
            return content_text(message.get("content"))
    return ""


def content_text(content: Any) -> str:
    """The text of a message's content."""
    if isinstance(content, str):
        return content
    parts = [part for part in content or () if part.get("type") == "text"]
    return "\n\n".join(part["text"] for part in parts)


def _known(answer: Mapping[str, Any]) -> KnownAnswer:
    calls = tuple(
        (call["name"], orjson.dumps(call["arguments"]).decode())
        for call in answer.get("tool_calls") or ()
    )
    return KnownAnswer(
        text=answer.get("text"),
        tool_calls=calls,
        finish_reason=answer.get("finish_reason") or ("tool_calls" if calls else "stop"),
    )


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: can not be read ({error.strerror})") from None
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return (orjson.loads(line) for line in content.splitlines() if line.strip())


def sample_answers() -> AnswerBook:
    """What the models answer to the sample workload."""
    return load_answers(sample_file())
