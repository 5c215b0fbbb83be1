"""How sure we are of an answer: hard checks first, then a score 0..1.

`checks` is the default: a plain fault gives 0, hedging and a missing conclusion take something
off, logprobs count where the provider gave them. `article` is the article's own heuristic
(section 6, example 3), shipped by name: on recorded answers it separates right from wrong no
better than chance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.routing.chances import chances_in
from streams.routing.features import question_of, text_of
from streams.routing.landscape import Landscape, Model
from streams.routing.learned.tokens import Tokens
from streams.routing.rules.complexity import SCORE_DIGITS
from streams.routing.trust.checks import Fault, faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Confidence 0..1 in an answer, the faults found, the parts of the score, and, where learned,
    each tier's chance (0..1) of a good answer to the question.
    """

    confidence: float
    faults: tuple[Fault, ...] = ()
    parts: Mapping[str, float]
    chances: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer with its question: body, assistant message, finish reason, logprobs if given."""

    body: Mapping[str, Any]
    message: Mapping[str, Any]
    finish_reason: str
    logprobs: Sequence[float] | None = None


Scorer = Callable[[Answered], Verdict]

_HEDGES = re.compile(
    r"\b(i['’]?m not (entirely |completely |quite )?(sure|certain)|i am not (sure|certain)|"
    r"i don['’]?t (really )?know|i do not know|i (think|believe|guess|assume)|it['’]?s hard to say|"
    r"not enough (information|context)|might be|could be|possibly|perhaps|probably|"
    r"as far as i (know|can tell)|double[- ]check|i may be wrong)\b",
    re.IGNORECASE,
)
_SELF_DOUBT = re.compile(
    r"\b(wait,|actually,|let me (re-?check|reconsider|try again)|that['’]?s not right|"
    r"i made a mistake|this is getting complicated)",
    re.IGNORECASE,
)
_EXAMINED_CHARACTERS = 20_000
_CLEAN = 0.9


def score_by_checks(answered: Answered) -> Verdict:
    """The default: 0 for a plain fault, else what wording and logprobs leave of 0.9."""
    found = faults(answered.body, answered.message, answered.finish_reason)
    if found:
        return Verdict(confidence=0.0, faults=found, parts={"faults": float(len(found))})
    text = text_of(answered.message.get("content"))[:_EXAMINED_CHARACTERS]
    hedges = len(_HEDGES.findall(text))
    doubts = len(_SELF_DOUBT.findall(text))
    parts = {"hedging": -min(0.15 * hedges, 0.45), "self_doubt": -min(0.2 * doubts, 0.4)}
    if answered.logprobs:
        parts["logprobs"] = _logprob_part(answered.logprobs)
    confidence = min(max(_CLEAN + sum(parts.values()), 0.0), 1.0)
    return Verdict(confidence=round(confidence, SCORE_DIGITS), parts=parts)


def _logprob_part(logprobs: Sequence[float]) -> float:
    """From the mean token probability: 0 at 0.9 and above, down to -0.4 at 0.5 and below.

    No probability is above 1, whatever a provider says.
    """
    mean = math.exp(sum(min(logprob, 0.0) for logprob in logprobs) / len(logprobs))
    return -min(max(0.9 - mean, 0.0), 0.4)


_LONG_WORDS = 20
_ARTICLE_HEDGES = re.compile(r"i'm not sure|i don't know|i cannot", re.IGNORECASE | re.ASCII)
_ARTICLE_STRUCTURE = ("```", "1.", "- ")
_ARTICLE_ENDINGS = (".", "```", ")")


def score_by_article(answered: Answered) -> Verdict:
    """The article's heuristic: length, hedging, structure, ending."""
    content = text_of(answered.message.get("content"))
    parts = {"base": 0.5}
    if len(content.split(maxsplit=_LONG_WORDS)) > _LONG_WORDS:
        parts["length"] = 0.15
    if not _ARTICLE_HEDGES.search(content):
        parts["no_hedging"] = 0.15
    if any(mark in content for mark in _ARTICLE_STRUCTURE):
        parts["structure"] = 0.1
    if content.rstrip().endswith(_ARTICLE_ENDINGS):
        parts["ending"] = 0.1
    return Verdict(confidence=round(min(sum(parts.values()), 1.0), SCORE_DIGITS), parts=parts)


SCORERS: Mapping[str, Scorer] = {"checks": score_by_checks, "article": score_by_article}
"""Confidence scores that look at the answer alone, by their name in the registry."""

LEARNED = "learned"
SCORER_NAMES = (*SCORERS, LEARNED)


def confidence_in(answered: Answered, model: Model, landscape: Landscape) -> Verdict:
    """The policy's confidence in a model's answer."""
    name = landscape.policy.cascade.scorer
    if name == LEARNED:
        return _score_learned(answered, model, landscape)
    return SCORERS[name](answered)


def _score_learned(answered: Answered, model: Model, landscape: Landscape) -> Verdict:
    """Hard checks, then the learned chance that this answer is good, less what logprobs take off.

    Tool calls and JSON are judged by the checks: the artifact was trained on prose.
    """
    plain = score_by_checks(answered)
    artifact = landscape.artifact
    wanted = (answered.body.get("response_format") or {}).get("type", "text")
    if plain.faults or artifact is None or artifact.answer is None or wanted != "text":
        return plain
    if answered.message.get("tool_calls"):
        return plain
    prompt = Tokens.of(question_of(answered.body["messages"]))
    answer = Tokens.of(text_of(answered.message.get("content")))
    column = landscape.columns[model.name]
    expected = artifact.prompt.predict(prompt)
    parts = {"learned": round(artifact.answer.predict(prompt, answer, expected, column), 6)}
    if "logprobs" in plain.parts:
        parts["logprobs"] = plain.parts["logprobs"]
    confidence = min(max(sum(parts.values()), 0.0), 1.0)
    return Verdict(
        confidence=round(confidence, SCORE_DIGITS),
        parts=parts,
        chances=chances_in(expected, landscape),
    )
