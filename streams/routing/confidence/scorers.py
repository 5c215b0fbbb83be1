"""Confidence in an answer: hard checks first, then a score 0..1.

`checks` is the default: a fault gives 0. Hedging, self-doubt, a long derivation of a short result,
and a brief text for a demanding request reduce the score. Logprobs count if the provider returns
them. `article` is the article's own heuristic (section 6, example 3), shipped by name: on recorded
answers it separates right from wrong no better than chance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from streams.routing.complexity import SCORE_DIGITS
from streams.routing.confidence.checks import AnswerFault, faults
from streams.routing.features.request_features import extract_features, question_of, text_of
from streams.routing.learned.domain import FAMILIAR
from streams.routing.learned.ngrams import count_ngrams
from streams.routing.learned.text_numbers import text_numbers
from streams.routing.learned.tokens import Tokens
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.classifier import sluice_rules
from streams.routing.selection.success_probability import success_probabilities
from streams.routing.snapshot import Model, RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceResult:
    """Confidence 0..1 in an answer, faults, parts of the score and, where learned, each tier's
    probability (0..1) of a good answer to the question.
    """

    confidence: float
    faults: tuple[AnswerFault, ...] = ()
    parts: Mapping[str, float]
    chances: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer with its question: body, assistant message, finish reason, and logprobs if
    available.
    """

    body: Mapping[str, Any]
    message: Mapping[str, Any]
    finish_reason: str
    logprobs: Sequence[float] | None = None


Scorer = Callable[[Answered], ConfidenceResult]

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
_RESULT = re.compile(
    r"\bfinal answer\b|\b(the )?answer is\b|\banswer[\"'*]{0,3} ?:|####|\btherefore,|\bthus,"
    r"|= ?\*{0,2}\$?-?[0-9][0-9.,]{0,20}[*.]{0,3}$",
    re.IGNORECASE,
)
_NOTATION = ("\\frac", "\\boxed", "\\(", "\\[", "\\sqrt", "\\le", "$$", "$\\")
_END = 300
"""Characters at the end of an answer that contain its result."""

_SHORT_WAY, _LONG_WAY = 150, 900
"""Characters up to which a derivation is short, and above which it is long."""

_WAY_WEIGHT = 0.1

_USUAL_REQUEST, _LONGEST_REQUEST = 66, 10_000
"""Characters up to which a request's length counts nothing, and above which it counts no more."""

_REQUEST_WEIGHT = 0.02

_DEMANDING = 0.16
"""Score of the rules above which a request needs more than a short answer."""

_AMPLE = 2_000
"""Characters from which no text is brief."""

_BRIEF_WEIGHT, _MOST_FOR_BRIEF = 0.04, 0.2
_EXAMINED_CHARACTERS = 20_000
_CLEAN = 0.9


def score_by_checks(answered: Answered) -> ConfidenceResult:
    """The default: 0 for a fault, else 0.9 less the deductions for wording and logprobs."""
    found = faults(answered.body, answered.message, answered.finish_reason)
    if found:
        return ConfidenceResult(confidence=0.0, faults=found, parts={"faults": float(len(found))})
    text = text_of(answered.message.get("content"))[:_EXAMINED_CHARACTERS]
    hedges = len(_HEDGES.findall(text))
    doubts = len(_SELF_DOUBT.findall(text))
    parts = {"hedging": -min(0.15 * hedges, 0.45), "self_doubt": -min(0.2 * doubts, 0.4)}
    if answered.message.get("tool_calls"):
        parts |= _request_part(question_of(answered.body["messages"]))
    else:
        parts |= _effort_parts(text, answered.body)
    if answered.logprobs:
        parts["logprobs"] = _logprob_part(answered.logprobs)
    confidence = min(max(_CLEAN + sum(parts.values()), 0.0), 1.0)
    return ConfidenceResult(confidence=round(confidence, SCORE_DIGITS), parts=parts)


def _effort_parts(text: str, body: Mapping[str, Any]) -> dict[str, float]:
    """Return the deduction for a long derivation, at most 0.18, and for a long request of a result
    or data, at most 0.1; or for a brief text without one on a demanding request, at most 0.2.

    On recorded answers, wrong results have longer derivations, and longer answers to open requests
    are better. A short answer to a simple question is not penalized, and mathematical notation is
    as long as its problem.
    """
    question = question_of(body["messages"])
    if _RESULT.search(text[-_END:]):
        size = min(len(text), _LONG_WAY)
        parts = _request_part(question)
        if size > _SHORT_WAY and not any(sign in f"{text} {question}" for sign in _NOTATION):
            parts["way"] = round(-_WAY_WEIGHT * math.log(size / _SHORT_WAY), SCORE_DIGITS)
        return parts
    if text.lstrip().startswith(("{", "[")):
        return _request_part(question)
    if len(text) >= _AMPLE or not text or "```" in text:
        return {}
    if sluice_rules(extract_features(body), RetrievalPolicy()).score < _DEMANDING:
        return {}
    weight = max(-_BRIEF_WEIGHT * math.log(_AMPLE / len(text)), -_MOST_FOR_BRIEF)
    return {"brief": round(weight, SCORE_DIGITS)}


def _request_part(question: str) -> dict[str, float]:
    """Return the deduction for the length of a request whose answer is right or wrong.

    Such answers often look alike. Of open requests the longer ones are not answered worse.
    """
    size = min(len(question), _LONGEST_REQUEST)
    if size <= _USUAL_REQUEST:
        return {}
    return {"request": round(-_REQUEST_WEIGHT * math.log(size / _USUAL_REQUEST), SCORE_DIGITS)}


def _logprob_part(logprobs: Sequence[float]) -> float:
    """Return the deduction by mean token probability: 0 from 0.9, down to -0.4 at 0.5 and below.

    Probabilities above 1 from a provider count as 1.
    """
    mean = math.exp(sum(min(logprob, 0.0) for logprob in logprobs) / len(logprobs))
    return -min(max(0.9 - mean, 0.0), 0.4)


_LONG_WORDS = 20
_ARTICLE_HEDGES = (b"i'm not sure", b"i don't know", b"i cannot")
_ARTICLE_STRUCTURE = ("```", "1.", "- ")
_ARTICLE_ENDINGS = (".", "```", ")")


def score_by_article(answered: Answered) -> ConfidenceResult:
    """The article's heuristic: length, hedging, structure, ending."""
    content = text_of(answered.message.get("content"))
    parts = {"base": 0.5}
    if len(content.split(maxsplit=_LONG_WORDS)) > _LONG_WORDS:
        parts["length"] = 0.15
    small = content.encode(errors="surrogatepass").lower()
    if not any(hedge in small for hedge in _ARTICLE_HEDGES):
        parts["no_hedging"] = 0.15
    if any(mark in content for mark in _ARTICLE_STRUCTURE):
        parts["structure"] = 0.1
    if content.rstrip().endswith(_ARTICLE_ENDINGS):
        parts["ending"] = 0.1
    return ConfidenceResult(
        confidence=round(min(sum(parts.values()), 1.0), SCORE_DIGITS), parts=parts
    )


CHECKS = "checks"
SCORERS: Mapping[str, Scorer] = {CHECKS: score_by_checks, "article": score_by_article}
"""Confidence scorers that use the answer alone, by their name in the registry."""

LEARNED = "learned"
SCORER_NAMES = (*SCORERS, LEARNED)


def confidence_in(answered: Answered, model: Model, snapshot: RegistrySnapshot) -> ConfidenceResult:
    """Return the policy's confidence in a model's answer."""
    name = snapshot.policy.cascade.scorer
    if name == LEARNED:
        return _score_learned(answered, model, snapshot)
    return SCORERS[name](answered)


def _score_learned(
    answered: Answered, model: Model, snapshot: RegistrySnapshot
) -> ConfidenceResult:
    """Hard checks, then the learned probability that the answer is good, less the logprobs
    deduction.

    Tool calls and JSON are scored by the checks: the artifact was trained on prose. So are answers
    to prompts outside its training domain; the learned score is then among the parts.
    """
    plain = score_by_checks(answered)
    artifact = snapshot.artifact
    wanted = (answered.body.get("response_format") or {}).get("type", "text")
    if plain.faults or artifact is None or artifact.answer is None or wanted != "text":
        return plain
    if answered.message.get("tool_calls"):
        return plain
    prompt = Tokens.of(question_of(answered.body["messages"]))
    answer = Tokens.of(text_of(answered.message.get("content")))
    column = snapshot.columns[model.name]
    numbers, ngrams = text_numbers(prompt), count_ngrams(prompt.all)
    expected = artifact.prompt.judge(numbers, ngrams)
    learned = round(artifact.answer.predict(prompt, answer, expected, column), SCORE_DIGITS)
    familiarity = artifact.familiarity(numbers, ngrams)
    if familiarity < FAMILIAR:
        unused = {"learned_unused": learned, "familiarity": familiarity}
        return replace(plain, parts={**plain.parts, **unused})
    parts = {"learned": learned}
    if "logprobs" in plain.parts:
        parts["logprobs"] = plain.parts["logprobs"]
    confidence = min(max(sum(parts.values()), 0.0), 1.0)
    return ConfidenceResult(
        confidence=round(confidence, SCORE_DIGITS),
        parts=parts,
        chances=success_probabilities(expected, snapshot),
    )
